using System.Diagnostics;

namespace KvCloud.Node.History;

/// <summary>The newest calls that took at least a threshold, for /slow.</summary>
/// <param name="thresholdMs">0 for none.</param>
internal sealed class SlowCalls(TimeProvider time, int thresholdMs)
{
    public const int MaxCalls = 512;

    public const int MaxBytes = 512 * 1024;

    /// <summary>What is longer of a key is cut off.</summary>
    public const int MaxKeyBytes = 256;

    private readonly HistoryRing<SlowCall> _ring = new(MaxCalls, MaxBytes, time);

    public int ThresholdMs => thresholdMs;

    /// <summary>In ticks of <see cref="Stopwatch"/>.</summary>
    public long ThresholdTicks { get; } =
        thresholdMs == 0 ? long.MaxValue : thresholdMs * Stopwatch.Frequency / 1_000;

    public void Add(SlowCall call) => _ring.Add(call);

    public HistoryPage<SlowCall> Read(long? after, int limit) => _ring.Read(after, limit);
}
