using System.Diagnostics;
using System.Reflection;
using KvCloud.LocalCluster;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Packaging;

/// <summary>The solution, packed once for all tests of packages from what was built with them.</summary>
public sealed class PackagesFixture : IAsyncLifetime
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(5);

    private readonly string _root = Directory.CreateTempSubdirectory("kvcloud-packages-").FullName;

    /// <summary>Holds the packages and nothing else.</summary>
    public string Feed => Directory.CreateDirectory(Path.Combine(_root, "feed")).FullName;

    /// <summary>What `dotnet pack` wrote.</summary>
    public string Output { get; private set; } = "";

    /// <summary>By id.</summary>
    internal IReadOnlyDictionary<string, PackedPackage> Packages { get; private set; } =
        new Dictionary<string, PackedPackage>();

    /// <summary>An empty folder, deleted with the fixture.</summary>
    public string NewFolder() => Directory.CreateDirectory(Path.Combine(_root, Guid.NewGuid().ToString("n"))).FullName;

    /// <summary>A nuget.config by which packages of this solution come from <see cref="Feed"/> alone.</summary>
    public string NuGetConfig()
    {
        string path = Path.Combine(_root, "nuget.config");
        File.WriteAllText(path, $"""
            <configuration>
              <packageSources><clear /><add key="feed" value="{Feed}" /></packageSources>
            </configuration>
            """);
        return path;
    }

    public async Task InitializeAsync()
    {
        string configuration =
            typeof(PackagesFixture).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        Output = await DotNetAsync(
            "pack", Repository.File("KvCloud.sln"), "--no-build", "--no-restore", "-c", configuration, "-o", Feed);
        Packages = Directory.EnumerateFiles(Feed, "*.nupkg").Select(PackedPackage.Read)
            .ToDictionary(package => package.Id);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Runs a command of the SDK; its output.</summary>
    internal static Task<string> DotNetAsync(params string[] arguments) => RunAsync(DotNet.Command(arguments));

    /// <summary>Runs a program to its end; its output. Fails the test when its exit code is not 0.</summary>
    internal static async Task<string> RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using Process process = Process.Start(start)!;
        using var timeout = new CancellationTokenSource(CommandTimeout);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            string all = await output + await errors;
            Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)}: {all}");
            return all;
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}

/// <summary>Not beside other tests: packing and installing take every core.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PackagesCollection : ICollectionFixture<PackagesFixture>
{
    public const string Name = "Packages";
}
