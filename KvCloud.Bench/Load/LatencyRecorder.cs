using System.Diagnostics;
using HdrHistogram;

namespace KvCloud.Bench.Load;

/// <summary>
/// The measurements of one loop: a histogram per operation kind, a count per status, and successes per second of the
/// window. Used by one thread during the run and merged afterwards. Latencies are those of calls that end within the
/// window; in an open loop, of calls scheduled to start within it.
/// </summary>
internal sealed class LatencyRecorder
{
    private const long LowestTicks = 1_000;
    private const int SignificantDigits = 3;

    private static readonly int KindCount = Enum.GetValues<OperationKind>().Length;
    private static readonly long HighestTicks = 300 * Stopwatch.Frequency;

    private readonly LongHistogram?[] _byKind = new LongHistogram?[KindCount];
    private readonly long[] _byStatus = new long[CallStatuses.Count];
    private readonly long[] _perSecond;
    private readonly long _windowStart;
    private readonly long _windowEnd;
    private readonly bool _openLoop;

    public LatencyRecorder(long windowStartTicks, long windowEndTicks, bool openLoop)
    {
        _windowStart = windowStartTicks;
        _windowEnd = windowEndTicks;
        _openLoop = openLoop;
        long seconds = (windowEndTicks - windowStartTicks + Stopwatch.Frequency - 1) / Stopwatch.Frequency;
        _perSecond = new long[Math.Max(1, seconds)];
    }

    /// <summary>
    /// Calls that had no answer when the run ended; each is recorded with its waiting time up to then.
    /// </summary>
    public long Unfinished { get; private set; }

    /// <summary>The text of the first error, for the report.</summary>
    public string? FirstError { get; private set; }

    public IReadOnlyList<long> PerSecond => _perSecond;

    public long CountOf(CallStatus status) => _byStatus[(int)status];

    public void Record(OperationKind kind, long intendedTicks, long endTicks, CallStatus status, string? error = null)
    {
        bool succeeded = CallStatuses.IsSuccess(status);
        if (succeeded && IsInWindow(endTicks))
        {
            // The rate counts answers, also in an open loop: what the servers achieved, not what was requested.
            _perSecond[(endTicks - _windowStart) / Stopwatch.Frequency]++;
        }

        if (!IsInWindow(_openLoop ? intendedTicks : endTicks))
        {
            return;
        }

        _byStatus[(int)status]++;
        if (!succeeded)
        {
            FirstError ??= error ?? status.ToString();
            return;
        }

        Histogram(kind).RecordValue(Math.Clamp(endTicks - intendedTicks, 1, HighestTicks));
    }

    /// <summary>Records a call of an open loop that had no answer, or was not even sent, when the run ended.</summary>
    public void RecordUnfinished(OperationKind kind, long intendedTicks, long nowTicks)
    {
        if (IsInWindow(intendedTicks))
        {
            Unfinished++;
            Histogram(kind).RecordValue(Math.Clamp(nowTicks - intendedTicks, 1, HighestTicks));
        }
    }

    public void Add(LatencyRecorder other)
    {
        Unfinished += other.Unfinished;
        FirstError ??= other.FirstError;
        for (int i = 0; i < _byStatus.Length; i++)
        {
            _byStatus[i] += other._byStatus[i];
        }

        for (int i = 0; i < _perSecond.Length; i++)
        {
            _perSecond[i] += other._perSecond[i];
        }

        for (int i = 0; i < KindCount; i++)
        {
            if (other._byKind[i] is { } histogram)
            {
                Histogram((OperationKind)i).Add(histogram);
            }
        }
    }

    public LatencySummary Summarize()
    {
        LongHistogram all = NewHistogram();
        foreach (LongHistogram? histogram in _byKind)
        {
            if (histogram is not null)
            {
                all.Add(histogram);
            }
        }

        return LatencySummary.Of(all);
    }

    public IReadOnlyDictionary<string, LatencySummary> SummarizeKinds() => Enumerable.Range(0, KindCount)
        .Where(i => _byKind[i] is not null)
        .ToDictionary(i => OperationMix.NameOf((OperationKind)i), i => LatencySummary.Of(_byKind[i]!));

    private bool IsInWindow(long ticks) => ticks >= _windowStart && ticks < _windowEnd;

    private LongHistogram Histogram(OperationKind kind) => _byKind[(int)kind] ??= NewHistogram();

    private static LongHistogram NewHistogram() => new(LowestTicks, HighestTicks, SignificantDigits);
}
