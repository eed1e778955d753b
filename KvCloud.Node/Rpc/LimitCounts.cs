using System.Diagnostics.Metrics;

namespace KvCloud.Node.Rpc;

/// <summary>
/// What was refused by which limit of this node. Refusals are for people and name their limit somewhere in the text:
/// what names none that is known counts as <c>other</c>, so that nothing is left out. Thread-safe.
/// </summary>
internal sealed class LimitCounts
{
    public const string Other = "other";

    /// <summary>A name that begins another one stands behind it.</summary>
    private static readonly string[] Names =
    [
        "max_connections_per_address", "max_connections", "max_in_flight_calls_per_caller", "max_in_flight_calls",
        "max_in_flight_bytes_per_caller", "max_in_flight_bytes", "max_queued_writes", "max_queued_write_bytes",
        "max_queued_scans", "max_scan_answer_bytes", "PasswordGate.MaxWaiting", Other,
    ];

    private readonly long[] _counts = new long[Names.Length];

    public void Note(string refusal)
    {
        int index = Array.FindIndex(Names, name => refusal.Contains(name, StringComparison.Ordinal));
        Interlocked.Increment(ref _counts[index < 0 ? Names.Length - 1 : index]);
    }

    /// <summary>Each of them, those that refused nothing with 0.</summary>
    public IEnumerable<Measurement<long>> Observe() => Names.Select((name, index) => new Measurement<long>(
        Interlocked.Read(ref _counts[index]), new KeyValuePair<string, object?>("limit", name)));
}
