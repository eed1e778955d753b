using System.Text;
using System.Xml.Linq;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Packaging;

/// <summary>What `dotnet pack KvCloud.sln` gives, and what is in it.</summary>
[Collection(PackagesCollection.Name)]
public sealed class PackageTests(PackagesFixture fixture)
{
    private const string Client = "KvCloud.Client";
    private const string Cli = "KvCloud.Cli";
    private const string Hosting = "KvCloud.Aspire.Hosting";
    private const string Protocol = "KvCloud.Protocol";

    private static readonly string[] Platforms = ["linux-arm64", "linux-x64", "osx-arm64", "win-x64"];

    public static TheoryData<string> All => [Client, Cli, Hosting, Protocol];

    [Fact]
    public void Package_of_the_solution_is_one_of_these_and_packs_without_a_warning()
    {
        Assert.Equal([Hosting, Cli, Client, Protocol], fixture.Packages.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(fixture.Packages.Count, Directory.EnumerateFiles(fixture.Feed).Count());
        Assert.DoesNotContain("warning", fixture.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Package_of_any_project_tells_what_it_is(string id)
    {
        PackedPackage package = fixture.Packages[id];

        Assert.Equal("README.md", package.Text("readme"));
        Assert.Equal("icon.png", package.Text("icon"));
        Assert.Contains("kvcloud", package.Text("tags").Split(' '));
        Assert.NotEqual("Package Description", package.Text("description"));
        Assert.NotEmpty(package.Text("authors"));
        Assert.Equal("git", (string?)package.Element("repository")?.Attribute("type"));
        Assert.Matches("^[0-9a-f]{40}$", (string?)package.Element("repository")?.Attribute("commit"));
        string readme = Encoding.UTF8.GetString(package.Bytes("README.md"));
        Assert.StartsWith($"# {id}", readme, StringComparison.Ordinal);
        Assert.True(readme.Length > 500, "the readme says hardly anything");
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], package.Bytes("icon.png")[..4]);
    }

    [Theory]
    [InlineData(Client, Protocol)]
    [InlineData(Cli, "")]
    [InlineData(Hosting, "")]
    [InlineData(Protocol, "")]
    public void Package_dependencies_are_what_the_project_references(string id, string ofThisSolution)
    {
        PackedPackage package = fixture.Packages[id];
        string project = Repository.File(id, $"{id}.csproj");

        // A tool brings all it needs.
        string[] direct = id == Cli ? [] :
        [
            .. XDocument.Load(project).Descendants("PackageReference")
                .Where(reference => (string?)reference.Attribute("PrivateAssets") != "all")
                .Select(reference => (string)reference.Attribute("Include")!),
        ];
        string[] pinned =
        [
            .. XDocument.Load(Repository.File("Directory.Packages.props")).Descendants("PackageVersion")
                .Select(version => (string)version.Attribute("Include")!),
        ];

        string[] own = [.. package.Dependencies.Keys.Where(IsOurs)];
        Assert.Equal(ofThisSolution.Split(' ', StringSplitOptions.RemoveEmptyEntries), own);
        Assert.All(own, dependency => Assert.Equal($"[{package.Version}]", package.Dependencies[dependency]));
        Assert.Empty(direct.Except(package.Dependencies.Keys));
        Assert.Empty(package.Dependencies.Keys.Except(own).Except(pinned));
        Assert.DoesNotContain(package.Dependencies.Keys, IsDevelopmentOnly);
        Assert.DoesNotContain("RocksDB", package.Dependencies.Keys);
        Assert.True(id != Cli || package.Dependencies.Count == 0, "a tool with dependencies");
    }

    [Theory]
    [InlineData(Client, "ConfigurationSchema.json buildTransitive/net10.0/KvCloud.Client.targets")]
    [InlineData(Hosting, "buildTransitive/net10.0/KvCloud.Aspire.Hosting.targets")]
    [InlineData(Protocol, "kvstore.thrift")]
    public void Package_of_a_library_holds_the_library_and_these_files(string id, string others)
    {
        string[] expected =
        [
            $"{id}.nuspec", "README.md", "icon.png",
            $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml", .. others.Split(' '),
        ];

        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            fixture.Packages[id].Files.Keys
                .Where(file => !file.StartsWith("tools/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Package_of_any_project_holds_nothing_of_tests_and_benchmarks(string id)
    {
        PackedPackage package = fixture.Packages[id];

        Assert.DoesNotContain(package.Files.Keys, file => IsDevelopmentOnly(Path.GetFileName(file)));
        Assert.DoesNotContain(package.Files.Keys, file => file.EndsWith(".pdb", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Hosting, "tools/node/")]
    [InlineData(Cli, "tools/net10.0/any/node/")]
    public void Package_with_the_node_has_it_whole_for_each_platform(string id, string folder)
    {
        string[] files = [.. FilesIn(id, folder).Select(file => file.Key)];

        Assert.Contains("KvCloud.Node.dll", files);
        Assert.Contains("KvCloud.Node.deps.json", files);
        Assert.Contains("KvCloud.Node.runtimeconfig.json", files);
        Assert.Contains("appsettings.json", files);
        Assert.Equal(
            Platforms,
            files.Where(file => file.Contains("/native/", StringComparison.Ordinal))
                .Select(file => file.Split('/')[1]).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("KvCloud.Node", files);
    }

    [Theory]
    [InlineData(Hosting, "tools/console/")]
    [InlineData(Cli, "tools/net10.0/any/console/")]
    public void Package_with_the_console_has_it_with_its_pages_files(string id, string folder)
    {
        string[] files = [.. FilesIn(id, folder).Select(file => file.Key)];

        Assert.Contains("KvCloud.Console.dll", files);
        Assert.Contains("KvCloud.Console.runtimeconfig.json", files);
        Assert.Contains("KvCloud.Console.staticwebassets.endpoints.json", files);
        Assert.Contains("wwwroot/console.css", files);
        Assert.Contains("wwwroot/_content/MudBlazor/MudBlazor.min.css", files);
        Assert.DoesNotContain("KvCloud.Console", files);
    }

    [Theory]
    [InlineData("node")]
    [InlineData("console")]
    public void Package_with_the_programs_has_the_same_as_the_other(string program) =>
        Assert.Equal(FilesIn(Hosting, $"tools/{program}/"), FilesIn(Cli, $"tools/net10.0/any/{program}/"));

    /// <summary>What a reference on one of the programs would leave beside the tool's own files.</summary>
    [Fact]
    public void Package_of_the_tool_has_the_files_of_the_programs_in_their_folders_only() =>
        Assert.DoesNotContain(
            fixture.Packages[Cli].Files.Keys,
            file => file.StartsWith("tools/net10.0/any/KvCloud.Node", StringComparison.Ordinal)
                || file.StartsWith("tools/net10.0/any/KvCloud.Console", StringComparison.Ordinal));

    private static bool IsOurs(string id) => id.StartsWith("KvCloud.", StringComparison.Ordinal);

    private static bool IsDevelopmentOnly(string name) =>
        name.StartsWith("xunit", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("testhost", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("BenchmarkDotNet", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Microsoft.CodeAnalysis", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Aspire.Hosting.Testing", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("KvCloud.Tests", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("KvCloud.Bench", StringComparison.OrdinalIgnoreCase);

    private IEnumerable<KeyValuePair<string, long>> FilesIn(string id, string folder) =>
        fixture.Packages[id].Files
            .Where(file => file.Key.StartsWith(folder, StringComparison.Ordinal))
            .Select(file => KeyValuePair.Create(file.Key[folder.Length..], file.Value))
            .OrderBy(file => file.Key, StringComparer.Ordinal);
}
