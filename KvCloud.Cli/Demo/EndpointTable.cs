using System.Globalization;
using System.Text;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Demo;

/// <summary>The table of a demo's replicas: endpoints, role and process id of each.</summary>
internal static class EndpointTable
{
    private static readonly string[] Headings = ["node", "role", "clients", "http (health, metrics)", "pid"];

    /// <param name="topology">The cluster.</param>
    /// <param name="roles">Role of each replica, null if unknown.</param>
    /// <param name="processIds">Process id of each replica, null if it does not run.</param>
    public static string Render(Topology topology, IReadOnlyList<string?> roles, IReadOnlyList<int?> processIds)
    {
        List<string[]> rows = [Headings];
        rows.AddRange(topology.Replicas.Select((r, i) => new[]
        {
            r.Name,
            roles[i] ?? "-",
            topology.At(r.ThriftPort),
            topology.HttpAddress(r, "/health").ToString(),
            processIds[i]?.ToString(CultureInfo.InvariantCulture) ?? "-",
        }));

        int[] widths = [.. Enumerable.Range(0, Headings.Length).Select(c => rows.Max(r => r[c].Length))];
        rows.Insert(1, [.. widths.Select(width => new string('-', width))]);
        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            string line = string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c])));
            text.Append("  ").AppendLine(line.TrimEnd());
        }

        return text.ToString();
    }
}
