using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>
/// Measures the calls of many callers: their latencies, and the longest time without a success. Thread-safe;
/// <see cref="Take"/> ends an interval and begins the next.
/// </summary>
internal sealed class CallMeter
{
    private readonly Lock _lock = new();
    private readonly List<long> _ticks = [];
    private readonly Dictionary<ErrorCode, int> _errors = [];
    private long _lastSuccess = Stopwatch.GetTimestamp();
    private long _longestPause;
    private long _total;
    private int _unknown;

    public long Total => Interlocked.Read(ref _total);

    /// <summary>Stopwatch timestamp of the last success, or of the beginning.</summary>
    public long LastSuccess => Volatile.Read(ref _lastSuccess);

    public void Succeeded(long started)
    {
        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            _ticks.Add(now - started);
            _longestPause = Math.Max(_longestPause, now - _lastSuccess);
            Volatile.Write(ref _lastSuccess, now);
            _total++;
        }
    }

    public void Failed(KvCloudException exception)
    {
        lock (_lock)
        {
            _errors[exception.ErrorCode] = _errors.GetValueOrDefault(exception.ErrorCode) + 1;
            _unknown += exception.OutcomeKnown ? 0 : 1;
        }
    }

    /// <summary>The figures since the last call; a pause that continues counts in both intervals.</summary>
    public CallFigures Take()
    {
        long[] ticks;
        long longestPause;
        int unknown;
        Dictionary<ErrorCode, int> errors;
        lock (_lock)
        {
            ticks = [.. _ticks];
            longestPause = Math.Max(_longestPause, Stopwatch.GetTimestamp() - _lastSuccess);
            unknown = _unknown;
            errors = new Dictionary<ErrorCode, int>(_errors);
            _ticks.Clear();
            _errors.Clear();
            _longestPause = 0;
            _unknown = 0;
        }

        Array.Sort(ticks);
        return new CallFigures(
            ticks.Length, At(ticks, 0.5), At(ticks, 0.99), Span(longestPause), At(ticks, 1), errors, unknown);
    }

    private static TimeSpan At(long[] sorted, double share) => sorted.Length == 0
        ? TimeSpan.Zero
        : Span(sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * share) - 1)]);

    private static TimeSpan Span(long ticks) => Stopwatch.GetElapsedTime(0, ticks);
}
