using System.Globalization;
using System.Text;

namespace KvCloud.LocalCluster;

/// <summary>Where everything is, for the eye.</summary>
internal static class EndpointTable
{
    private static readonly string[] Headings =
        ["node", "role", "thrift (clients)", "peer (replicas)", "http (health, metrics)", "pid"];

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
            At(topology.Host, r.ThriftPort),
            At(topology.Host, r.PeerPort),
            $"http://{At(topology.Host, r.HttpPort)}/health",
            processIds[i]?.ToString(CultureInfo.InvariantCulture) ?? "-",
        }));

        int[] widths = [.. Enumerable.Range(0, Headings.Length).Select(c => rows.Max(r => r[c].Length))];
        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            string line = string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c])));
            text.Append("  ").AppendLine(line.TrimEnd());
            if (ReferenceEquals(row, Headings))
            {
                text.Append("  ").AppendLine(string.Join("  ", widths.Select(w => new string('-', w))));
            }
        }

        return text.ToString();
    }

    /// <summary>Client endpoints as the command line tool and clients take them.</summary>
    public static string ClientEndpoints(Topology topology) =>
        string.Join(",", topology.Replicas.Select(r => At(topology.Host, r.ThriftPort)));

    private static string At(string host, int port) => string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
}
