using KvCloud.Node.History;

namespace KvCloud.Node.Diagnostics;

/// <summary>The answer at /slow.</summary>
/// <param name="ThresholdMs">[logging] slow_call_ms; 0 where none are kept.</param>
/// <param name="Next">What to ask for next: /slow?after=Next.</param>
/// <param name="Dropped">How many more there were, which this replica no longer has.</param>
internal sealed record SlowAnswer(
    int NodeId, int ThresholdMs, long Next, long Dropped, IReadOnlyList<SlowCallAnswer> Calls)
{
    public static SlowAnswer Of(int nodeId, int thresholdMs, in HistoryPage<SlowCall> page) => new(
        nodeId,
        thresholdMs,
        page.Next,
        page.Dropped,
        [
            .. page.Items.Select(call => new SlowCallAnswer(
                call.Sequence,
                call.Time,
                call.Method,
                call.Code,
                call.Duration.TotalMilliseconds,
                call.Remote,
                call.User,
                call.Keys,
                call.ColumnFamily,
                call.FirstKey,
                call.TraceId)),
        ]);
}

/// <summary>One slow call.</summary>
/// <param name="Time">When it was answered.</param>
/// <param name="Keys">How many keys it named.</param>
/// <param name="Key">The first of them in base64, cut off after 256 bytes; of a range its begin.</param>
internal sealed record SlowCallAnswer(
    long Sequence,
    DateTimeOffset Time,
    string Method,
    string Code,
    double DurationMs,
    string Remote,
    string? User,
    int Keys,
    string? ColumnFamily,
    byte[]? Key,
    string? TraceId);
