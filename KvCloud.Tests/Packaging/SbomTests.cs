using System.Diagnostics;
using System.Text.Json;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Packaging;

/// <summary>What eng/sbom says of the packages, beside the packages.</summary>
[Collection(PackagesCollection.Name)]
public sealed class SbomTests(PackagesFixture fixture)
{
    [UnixFact]
    public async Task Package_has_a_list_of_what_is_in_it_with_all_that_it_depends_on()
    {
        string folder = fixture.NewFolder();
        await PackagesFixture.RunAsync(new ProcessStartInfo(Repository.File("eng", "sbom"), [folder])
        {
            UseShellExecute = false,
        });

        foreach (PackedPackage package in fixture.Packages.Values)
        {
            Dictionary<string, string> components = Read(folder, package.Id, package.Version);
            foreach ((string id, string version) in package.Dependencies.Where(
                dependency => !dependency.Key.StartsWith("KvCloud.", StringComparison.Ordinal)))
            {
                Assert.True(components.TryGetValue(id, out string? listed), $"{package.Id} lists no {id}");
                Assert.Equal(version.Trim('[', ']', '(', ')', ',', ' '), listed);
            }
        }

        string released = fixture.Packages.Values.First().Version;
        Assert.Contains("RocksDB", Read(folder, "KvCloud.Node", released).Keys);
        Assert.Contains("MudBlazor", Read(folder, "KvCloud.Console", released).Keys);
    }

    private static Dictionary<string, string> Read(string folder, string id, string version)
    {
        using var bom = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, $"{id}.{version}.cdx.json")));
        Assert.Equal("CycloneDX", bom.RootElement.GetProperty("bomFormat").GetString());
        Assert.Equal(
            id, bom.RootElement.GetProperty("metadata").GetProperty("component").GetProperty("name").GetString());
        return bom.RootElement.GetProperty("components").EnumerateArray().ToDictionary(
            component => component.GetProperty("name").GetString()!,
            component => component.GetProperty("version").GetString()!);
    }
}
