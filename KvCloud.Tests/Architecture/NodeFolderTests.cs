using System.Text.RegularExpressions;
using KvCloud.Node;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>
/// Which folder of KvCloud.Node may use which: the other folders, KvCloud.Consensus, KvCloud.Protocol (the contract),
/// and Thrift. docs/architecture.md shows the same table.
/// </summary>
public sealed partial class NodeFolderTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Operations"] = [],
        ["Files"] = [],
        ["Telemetry"] = [],
        ["History"] = [],
        ["Tls"] = ["Telemetry"],
        ["Access"] = ["Operations", "Telemetry", "Tls"],
        ["Storage"] = ["Files", "Operations"],
        ["State"] = ["Access", "Consensus", "Files", "Operations", "Storage"],
        ["Transport"] = ["Consensus", "Files", "Telemetry", "Tls"],
        ["Replication"] = ["Consensus", "Files", "Operations", "State", "Storage", "Telemetry", "Transport"],
        ["Replication/Workers"] = ["Consensus", "Operations"],
        ["Replication/Log"] = ["Consensus", "Files"],
        ["Replication/Snapshots"] = ["Consensus", "Files", "State", "Storage", "Transport"],
        ["Replication/Backup"] = ["Consensus", "Operations", "State"],
        ["Replication/Restore"] = ["Consensus", "Files", "Operations", "State", "Storage", "Transport"],
        ["Replication/Scrubbing"] = ["Consensus", "Files", "State", "Storage"],
        ["Routing"] = ["Consensus", "Operations", "Replication", "State", "Telemetry"],
        ["Configuration"] =
        [
            "Access", "Consensus", "Files", "Operations", "Replication", "Routing", "Storage", "Telemetry", "Tls",
            "Transport",
        ],
        ["Cluster"] = ["Configuration", "Consensus", "History", "Replication", "Telemetry", "Transport"],
        ["Replacement"] = ["Configuration", "Consensus", "Replication", "Storage", "Transport"],
        ["Rpc"] =
        [
            "Access", "Cluster", "Configuration", "Consensus", "History", "Operations", "Protocol", "Replacement",
            "Replication", "Routing", "State", "Telemetry", "Thrift", "Tls",
        ],
        ["Offline"] = ["Configuration", "Consensus", "Files", "Operations", "Replication", "Storage"],
        ["Diagnostics"] =
        [
            "Access", "Cluster", "Configuration", "Consensus", "History", "Operations", "Replication", "Telemetry",
            "Tls",
            "Transport",
        ],
    };

    private static readonly string Root = Repository.File("KvCloud.Node");

    [Fact]
    public void Folder_of_the_node_is_in_the_table() =>
        Assert.Equal(
            Directory.GetDirectories(Root)
                .Where(directory => Directory.EnumerateFiles(directory, "*.cs").Any())
                .Select(directory => Path.GetFileName(directory))
                .Order(StringComparer.Ordinal),
            TopLevel.Order(StringComparer.Ordinal));

    /// <summary>What is not listed does not occur, and what is listed does.</summary>
    [Fact]
    public void Folder_of_the_table_uses_exactly_what_the_table_allows() =>
        Assert.All(Allowed, row => Assert.Equal(row.Value.Order(StringComparer.Ordinal), UsedBy(row.Key)));

    [Fact]
    public void Folder_of_the_table_is_in_no_circle()
    {
        HashSet<string> rest = [.. TopLevel];
        while (rest.RemoveWhere(folder => !Allowed[folder].Any(rest.Contains)) > 0)
        {
        }

        Assert.Empty(rest);
    }

    /// <summary>Types outside of the folders are visible everywhere, without a namespace that names them.</summary>
    [Fact]
    public void Folder_of_the_table_does_not_use_what_puts_the_folders_together()
    {
        string[] types =
        [
            .. typeof(ReplicaServices).Assembly.GetTypes()
                .Where(type => type.Namespace == typeof(ReplicaServices).Namespace && !type.IsNested)
                .Select(type => type.Name),
        ];
        var used = new Regex($@"\b({string.Join('|', types.Select(Regex.Escape))})\b");

        Assert.Contains(nameof(ReplicaServices), types);
        Assert.DoesNotContain(TopLevel.SelectMany(SourcesOf), file => used.IsMatch(File.ReadAllText(file)));
    }

    [Fact]
    public void Page_of_the_architecture_shows_the_same_table() =>
        Assert.Equal(
            Allowed.Select(row => $"{row.Key}: {string.Join(", ", row.Value)}").Order(StringComparer.Ordinal),
            DocumentedRow().Matches(File.ReadAllText(Repository.File("docs", "architecture.md")))
                .Select(row => $"{row.Groups["folder"]}: {row.Groups["known"].Value.Replace("nothing", "")}")
                .Order(StringComparer.Ordinal));

    private static IEnumerable<string> TopLevel => Allowed.Keys.Where(folder => !folder.Contains('/'));

    private static string[] SourcesOf(string folder) =>
        Directory.GetFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories);

    /// <summary>All that any line of the folder names, comments included, in order.</summary>
    private static IEnumerable<string> UsedBy(string folder) =>
        SourcesOf(folder)
            .SelectMany(file => Reference().Matches(File.ReadAllText(file)))
            .Select(reference => reference.Groups["known"].Value)
            .Where(known => known != folder.Split('/')[0])
            .Where(known => known is "Consensus" or "Protocol" or "Thrift" || Allowed.ContainsKey(known))
            .Distinct()
            .Order(StringComparer.Ordinal);

    /// <summary>A namespace in full, as in a using directive, or as seen from within KvCloud.Node.</summary>
    [GeneratedRegex(
        @"\bKvCloud\.(Node\.)?(?<known>\w+)|(?<![\w.])(Node\.)?(?<known>\w+)\.(?=[A-Z])|\busing (?<known>Thrift);")]
    private static partial Regex Reference();

    [GeneratedRegex(@"^\| `(?<folder>[\w/]+)/` \| [^|]+ \| (?<known>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex DocumentedRow();
}
