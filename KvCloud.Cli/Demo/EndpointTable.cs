using System.Globalization;
using System.Text;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Demo;

/// <summary>The replicas of a demo: where each is reached, who leads, and which process it is.</summary>
internal static class EndpointTable
{
    private static readonly string[] Headings = ["node", "role", "clients", "http (health, metrics)", "pid"];

    /// <param name="topology">Whose endpoints.</param>
    /// <param name="roles">Of each replica, null where it is unknown.</param>
    /// <param name="processIds">Of each replica, null where there is none.</param>
    public static string Render(Topology topology, IReadOnlyList<string?> roles, IReadOnlyList<int?> processIds)
    {
        List<string[]> rows = [Headings];
        rows.AddRange(topology.Replicas.Select((r, i) => new[]
        {
            r.Name,
            roles[i] ?? "-",
            topology.At(r.ThriftPort),
            $"http://{topology.At(r.HttpPort)}/health",
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
