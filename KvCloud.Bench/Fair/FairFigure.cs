using KvCloud.Bench.Load;

namespace KvCloud.Bench.Fair;

/// <summary>What modest clients saw alone, and beside one greedy client.</summary>
/// <param name="Work">What the greedy client did.</param>
/// <param name="Apart">
/// While the greedy client called another cluster on the same machine: what is left of the difference is not of the
/// replicas' making, but of the cores and the disk that all share.
/// </param>
internal sealed record FairFigure(
    string Work, LoadResult Alone, LoadResult Apart, LoadResult Beside, GreedyResult Greedy)
{
    /// <summary>How many times as long the slowest hundredth of an operation took beside the greedy client.</summary>
    public double RatioOf(OperationKind kind) => Ratio(kind, Alone);

    /// <summary>The same, beside the greedy client of another cluster.</summary>
    public double RatioToApart(OperationKind kind) => Ratio(kind, Apart);

    public static double P99Of(LoadResult result, OperationKind kind) =>
        result.ByOperation.TryGetValue(OperationMix.NameOf(kind), out LatencySummary? latency) ? latency.P99Ms : 0;

    private double Ratio(OperationKind kind, LoadResult to) =>
        P99Of(to, kind) is > 0 and var p99 ? P99Of(Beside, kind) / p99 : 0;
}
