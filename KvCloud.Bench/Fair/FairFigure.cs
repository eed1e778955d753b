using KvCloud.Bench.Load;

namespace KvCloud.Bench.Fair;

/// <summary>What modest clients saw alone, and beside one greedy client: both several times.</summary>
/// <param name="Work">What the greedy client did.</param>
/// <param name="Apart">
/// Once, while the greedy client called another cluster on the same machine: what is left of the difference is not of
/// the replicas' making, but of the cores and the disk that all share.
/// </param>
internal sealed record FairFigure(
    string Work,
    IReadOnlyList<LoadResult> Alone,
    IReadOnlyList<LoadResult> Apart,
    IReadOnlyList<LoadResult> Beside,
    IReadOnlyList<GreedyResult> Greedy)
{
    /// <summary>How many times as long the slowest hundredth of an operation took beside the greedy client.</summary>
    public double RatioOf(OperationKind kind) => Ratio(kind, Alone);

    /// <summary>The same, beside the greedy client of another cluster.</summary>
    public double RatioToApart(OperationKind kind) => Ratio(kind, Apart);

    /// <summary>The median of the rounds: a compaction that falls into one of them is in its p99.</summary>
    public static double P99Of(IReadOnlyList<LoadResult> results, OperationKind kind)
    {
        string operation = OperationMix.NameOf(kind);
        double[] p99s =
        [
            .. results.Select(result => result.ByOperation.GetValueOrDefault(operation)?.P99Ms ?? 0).Order(),
        ];
        return p99s[p99s.Length / 2];
    }

    private double Ratio(OperationKind kind, IReadOnlyList<LoadResult> to) =>
        P99Of(to, kind) is > 0 and var p99 ? P99Of(Beside, kind) / p99 : 0;
}
