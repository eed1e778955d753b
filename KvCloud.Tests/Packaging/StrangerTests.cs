using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Packaging;

/// <summary>The packages as somebody uses them who has nothing else.</summary>
[Collection(PackagesCollection.Name)]
public sealed partial class StrangerTests(PackagesFixture fixture)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Package_that_a_project_references_brings_the_schema_and_the_nodes_place()
    {
        string folder = fixture.NewFolder();
        string version = fixture.Packages["KvCloud.Client"].Version;

        // Packages of others come from where this repository has restored them to.
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string project = Path.Combine(folder, "Stranger.csproj");
        await File.WriteAllTextAsync(project, $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <NuGetAudit>false</NuGetAudit>
                <RestoreConfigFile>{fixture.NuGetConfig()}</RestoreConfigFile>
                <RestorePackagesPath>{Path.Combine(folder, "packages")}</RestorePackagesPath>
                <RestoreFallbackFolders>{restored}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="KvCloud.Client" Version="{version}" />
                <PackageReference Include="KvCloud.Aspire.Hosting" Version="{version}" />
              </ItemGroup>
            </Project>
            """);

        await PackagesFixture.DotNetAsync("restore", project);
        string json = await PackagesFixture.DotNetAsync(
            "msbuild", project, "-getItem:JsonSchemaSegment", "-getItem:AssemblyMetadata");

        using var items = JsonDocument.Parse(json);
        string[] schemas = [.. Values(items, "JsonSchemaSegment", _ => true, "FullPath")];
        string[] nodes =
            [.. Values(items, "AssemblyMetadata", item => item == "KvCloud.NodeAssembly", "Value")];
        Assert.Contains(schemas, path => path.Contains("kvcloud.client", StringComparison.OrdinalIgnoreCase));
        Assert.All(schemas, path => Assert.True(File.Exists(path), path));
        string node = Assert.Single(nodes);
        Assert.StartsWith(folder, node, StringComparison.Ordinal);
        Assert.Contains(
            "--check-config", await PackagesFixture.DotNetAsync(node, "--help"), StringComparison.Ordinal);
    }

    [UnixFact]
    public async Task Package_of_the_tool_is_installed_and_works_on_a_cluster_of_the_node_that_came_with_it()
    {
        string folder = fixture.NewFolder();
        string version = fixture.Packages["KvCloud.Cli"].Version;
        await PackagesFixture.DotNetAsync(
            "tool", "install", "KvCloud.Cli", "--version", version, "--tool-path", folder,
            "--configfile", fixture.NuGetConfig());
        string kv = Path.Combine(folder, OperatingSystem.IsWindows() ? "kv.exe" : "kv");
        string node = Assert.Single(Directory.EnumerateFiles(folder, "KvCloud.Node.dll", SearchOption.AllDirectories));
        string beside = Path.Combine(Path.GetDirectoryName(node)!, "..", "kv.dll");
        Assert.True(File.Exists(beside), beside);
        Assert.Equal("node", Path.GetFileName(Path.GetDirectoryName(node)));

        Assert.StartsWith(version, await RunAsync(kv, "--version"), StringComparison.Ordinal);
        using Process demo = Process.Start(Start(kv, folder, "demo"))!;
        string endpoints = await EndpointsAsync(demo);
        await RunAsync(kv, "--endpoints", endpoints, "set", "greeting", "hello");
        Assert.Equal("hello", (await RunAsync(kv, "--endpoints", endpoints, "get", "greeting")).Trim());
        Assert.Contains(
            "3 of 3 replicas are healthy",
            await RunAsync(kv, "--endpoints", endpoints, "status"),
            StringComparison.Ordinal);
        Assert.Contains(
            "backup-not-examined", await RunAsync(kv, "--endpoints", endpoints, "doctor"), StringComparison.Ordinal);

        // By the node's program that came with the tool.
        string settings = Path.Combine(folder, "settings.toml");
        await File.WriteAllTextAsync(settings, "[cluster]\nid = \"strangers\"\n");
        Assert.Contains("strangers", await RunAsync(kv, "config", "check", settings), StringComparison.Ordinal);
        Assert.Contains("complete ", await RunAsync(kv, "completion", "bash"), StringComparison.Ordinal);

        UnixSignals.Send(demo.Id, UnixSignals.Terminate);
        using var limit = new CancellationTokenSource(Limit);
        await demo.WaitForExitAsync(limit.Token);
        Assert.Equal(0, demo.ExitCode);
    }

    /// <summary>From the commands that `kv demo` proposes when its replicas are healthy.</summary>
    private static async Task<string> EndpointsAsync(Process demo)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (await demo.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (Proposal().Match(line) is { Success: true } match)
            {
                return match.Groups[1].Value;
            }
        }

        throw new InvalidOperationException($"kv demo ended: {await demo.StandardError.ReadToEndAsync(limit.Token)}");
    }

    private static Task<string> RunAsync(string program, params string[] arguments) =>
        PackagesFixture.RunAsync(Start(program, Path.GetTempPath(), arguments));

    private static ProcessStartInfo Start(string program, string temporaryFolder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // A tool finds the runtime that runs this test, wherever that is.
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(DotNet.Host);
        start.Environment["TMPDIR"] = temporaryFolder;
        return start;
    }

    [GeneratedRegex(@"--endpoints (\S+)")]
    private static partial Regex Proposal();

    private static IEnumerable<string> Values(
        JsonDocument items, string kind, Func<string, bool> wanted, string metadata) =>
        items.RootElement.GetProperty("Items").GetProperty(kind).EnumerateArray()
            .Where(item => wanted(item.GetProperty("Identity").GetString()!))
            .Select(item => item.GetProperty(metadata).GetString()!);
}
