using KvCloud.Bench.Load;

namespace KvCloud.Bench.Fair;

/// <summary>What modest clients saw alone, and beside one greedy client.</summary>
/// <param name="Work">What the greedy client did.</param>
internal sealed record FairFigure(string Work, LoadResult Alone, LoadResult Beside, LoadResult Greedy)
{
    /// <summary>How many times as long the slowest hundredth of an operation took beside the greedy client.</summary>
    public double RatioOf(OperationKind kind) =>
        P99Of(Alone, kind) is > 0 and var alone ? P99Of(Beside, kind) / alone : 0;

    public static double P99Of(LoadResult result, OperationKind kind) =>
        result.ByOperation.TryGetValue(OperationMix.NameOf(kind), out LatencySummary? latency) ? latency.P99Ms : 0;
}
