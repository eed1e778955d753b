using System.Globalization;
using System.Text.Json;
using KvCloud.Cli.Output;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Top;

/// <summary>One node in one look.</summary>
internal sealed record TopRow(int Id, NodeSample Sample, NodeRates Rates, bool Leads)
{
    private const string Unknown = "-";
    private const double MegaByte = 1024 * 1024;

    public static IReadOnlyList<string> Headings { get; } =
    [
        "node", "role", "health", "slot", "lag", "calls/s", "p50 ms", "p99 ms", "sync p99 ms", "conflicts/s", "fails/s",
        "clients", "memory MB", "disk free MB",
    ];

    private Histogram Calls => Histogram.Sum(Rates.CallDurations.Values);

    public static IReadOnlyList<TopRow> Of(ClusterSample sample) =>
    [
        .. sample.Nodes.Select(node => new TopRow(
            node.Key, node.Value, sample.Rates[node.Key], node.Key == sample.LeaderId)),
    ];

    public IEnumerable<string> Cells() => Sample.Status?.Self is not { } self
        ?
        [
            Text(Id), "unknown", "unreachable", .. Enumerable.Repeat(Unknown, Headings.Count - 3),
        ]
        :
        [
            Text(Id) + (Leads ? "*" : ""),
            self.Role ?? Unknown,
            self.Health ?? Unknown,
            Text(self.AppliedSlot),
            Text(self.LagSlots),
            Text(Rates.CallsPerSecond, "0"),
            Milliseconds(Calls.Quantile(0.5)),
            Milliseconds(Calls.Quantile(0.99)),
            Milliseconds(Rates.LogSyncs.Quantile(0.99)),
            Text(Rates.ConflictsPerSecond, "0.#"),
            Text(Rates.FailuresPerSecond, "0.#"),
            Text(Sample.Metrics.Connections, "0"),
            Text(Sample.Metrics.MemoryBytes / MegaByte, "0"),
            Text(Sample.Metrics.FreeDiskBytes / MegaByte, "0"),
        ];

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("at", Sample.At);
        writer.WriteNumber("node", Id);
        writer.WriteBoolean("leader", Leads);
        if (Sample.Status?.Self is not { } self)
        {
            writer.WriteString("error", Sample.Error);
            return;
        }

        writer.WriteString("role", self.Role);
        writer.WriteString("health", self.Health);
        writer.WriteNumber("applied_slot", self.AppliedSlot);
        writer.WriteNumber("lag_slots", self.LagSlots);
        writer.WriteNumber("calls_per_second", Math.Round(Rates.CallsPerSecond, 3));
        writer.WriteNumber("conflicts_per_second", Math.Round(Rates.ConflictsPerSecond, 3));
        writer.WriteNumber("failures_per_second", Math.Round(Rates.FailuresPerSecond, 3));
        Write(writer, "call_p50_ms", Calls.Quantile(0.5) * 1_000);
        Write(writer, "call_p99_ms", Calls.Quantile(0.99) * 1_000);
        Write(writer, "sync_p99_ms", Rates.LogSyncs.Quantile(0.99) * 1_000);
        Write(writer, "connections", Sample.Metrics.Connections);
        ReleaseDisplay.Number(writer, "memory_bytes", Sample.Metrics.MemoryBytes);
        ReleaseDisplay.Number(writer, "disk_free_bytes", Sample.Metrics.FreeDiskBytes);
    }

    private static void Write(Utf8JsonWriter writer, string name, double? number)
    {
        if (number is { } given)
        {
            writer.WriteNumber(name, Math.Round(given, 3));
        }
    }

    private static string Milliseconds(double? seconds) => Text(seconds * 1_000, "0.0");

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(double? number, string format) =>
        number?.ToString(format, CultureInfo.InvariantCulture) ?? Unknown;
}
