using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>One setting, as it is in force on all nodes.</summary>
/// <param name="Values">Each value, and which nodes have it.</param>
/// <param name="IsChanged">Whether any node has not the default.</param>
public sealed record SettingRow(
    string Name,
    IReadOnlyList<(string Value, string Nodes)> Values,
    string Default,
    string Source,
    string About,
    bool IsChanged)
{
    public bool IsDifferent => Values.Count > 1;

    /// <summary>In the order in which the nodes list them.</summary>
    public static IReadOnlyList<SettingRow> Merge(IReadOnlyDictionary<int, NodeConfig> nodes) =>
    [
        .. nodes.SelectMany(node => node.Value.Settings, (node, setting) => (Node: node.Key, Setting: setting))
            .GroupBy(one => one.Setting.Name, StringComparer.Ordinal)
            .Select(RowOf),
    ];

    private static SettingRow RowOf(IGrouping<string, (int Node, NodeSetting Setting)> name)
    {
        NodeSetting first = name.First().Setting;
        return new SettingRow(
            name.Key,
            [
                .. name.GroupBy(one => one.Setting.Shown, StringComparer.Ordinal).Select(value => (
                    value.Key, string.Join(", ", value.Select(one => $"node-{one.Node}")))),
            ],
            first.IsSecret ? "" : first.Default ?? "not set",
            string.Join("; ", name.Select(one => one.Setting.Source).OfType<string>().Distinct(StringComparer.Ordinal)),
            first.About ?? "",
            name.Any(one => !one.Setting.IsDefault));
    }
}
