using System.Diagnostics;
using System.Runtime.CompilerServices;
using KvCloud.AppHost;

namespace KvCloud.Tests.AppHost;

/// <summary>
/// The condition on which the build takes Aspire, evaluated by MSBuild itself with package folders made up for it.
/// </summary>
public sealed class UseAspireTests : IDisposable
{
    private const string Version = "13.5.2";
    private static readonly string[] Packages =
    [
        "aspire.apphost.sdk", "aspire.hosting", "aspire.hosting.apphost", "aspire.hosting.docker",
        "aspire.hosting.orchestration.linux-x64", "aspire.dashboard.sdk.linux-x64",
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvcloud-useaspire-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task UseAspire_noPackages_false() => Assert.Equal("false", await EvaluateAsync());

    [Fact]
    public async Task UseAspire_allPackages_true()
    {
        Install(Packages);
        Assert.Equal("true", await EvaluateAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task UseAspire_restoreWasCutShort_false(int missing)
    {
        Install(Packages.Where((_, i) => i != missing));
        Assert.Equal("false", await EvaluateAsync());
    }

    [Theory]
    [InlineData("UseAspire")]
    [InlineData("KVCLOUD_USE_ASPIRE")]
    public async Task UseAspire_toldSo_overridesWhatThereIs(string variable)
    {
        Assert.Equal("true", await EvaluateAsync((variable, "true")));
        Install(Packages);
        Assert.Equal("false", await EvaluateAsync((variable, "false")));
    }

    private void Install(IEnumerable<string> packages)
    {
        foreach (string package in packages)
        {
            string folder = Path.Combine(_folder.FullName, "packages", package, Version);
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, ".nupkg.metadata"), "{}");
        }
    }

    private async Task<string> EvaluateAsync(params (string Name, string Value)[] variables)
    {
        string project = Path.Combine(_folder.FullName, "probe.proj");
        await File.WriteAllTextAsync(
            project,
            $"""
            <Project>
              <PropertyGroup>
                <AspireVersion>{Version}</AspireVersion>
                <NETCoreSdkPortableRuntimeIdentifier>linux-x64</NETCoreSdkPortableRuntimeIdentifier>
              </PropertyGroup>
              <Import Project="{PropsFile()}" />
            </Project>
            """);
        ProcessStartInfo info = DotNet.Command("msbuild", project, "-nologo", "-getProperty:UseAspire");
        info.RedirectStandardOutput = true;
        info.Environment.Remove("UseAspire");
        info.Environment.Remove("KVCLOUD_USE_ASPIRE");
        info.Environment["NUGET_PACKAGES"] = Path.Combine(_folder.FullName, "packages");
        foreach ((string name, string value) in variables)
        {
            info.Environment[name] = value;
        }

        using Process process = Process.Start(info)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }

    private static string PropsFile([CallerFilePath] string thisFile = "") => Path.GetFullPath(
        Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "KvCloud.AppHost", "UseAspire.props"));
}
