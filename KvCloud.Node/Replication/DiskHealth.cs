using System.Globalization;

namespace KvCloud.Node.Replication;

/// <summary>A replica's disk at one moment.</summary>
/// <param name="FreeBytes">Free bytes of the data directory's volume; long.MaxValue while unknown.</param>
/// <param name="LogWriteMs">Duration so far of the log write in progress; 0 for none.</param>
/// <param name="IsSlow">Whether a log write has exceeded its limit recently.</param>
internal readonly record struct DiskFigures(long FreeBytes, SpaceLevel Space, long LogWriteMs, bool IsSlow)
{
    private const long Megabyte = 1024 * 1024;

    public static readonly DiskFigures Unknown = new(long.MaxValue, SpaceLevel.Ample, 0, IsSlow: false);

    /// <summary>Why other replicas should lead; null when the disk is well.</summary>
    public string? Trouble => Space switch
    {
        SpaceLevel.Exhausted => string.Create(
            CultureInfo.InvariantCulture,
            $"its disk has only {FreeBytes / Megabyte} MB free, less than min_space_mb: it accepts nothing more"),
        SpaceLevel.Low => string.Create(
            CultureInfo.InvariantCulture, $"its disk has only {FreeBytes / Megabyte} MB free, less than low_space_mb"),
        _ when IsSlow => string.Create(
            CultureInfo.InvariantCulture,
            $"its disk is slow: a log write took longer than log_stall_ms; the current one has taken {LogWriteMs} ms"),
        _ => null,
    };
}

/// <summary>
/// Judges whether this replica's disk is fit for a leader. A leader's own log write may stall while its followers form
/// a quorum without it, so nothing else notices until a follower fails too.
/// </summary>
internal sealed class DiskHealth(SpaceWatch space, LogWriter log, int stallLimitMs, IReplicaClock clock)
{
    /// <summary>A disk is slow until this many limits have passed without another slow write.</summary>
    private const int LimitsUntilWell = 5;

    private long _slowMs = long.MinValue / 2;
    private volatile bool _isSlow;

    public SpaceLevel Space => space.Level;

    /// <summary>Whether others should lead.</summary>
    public bool IsPoor => _isSlow || Space != SpaceLevel.Ample;

    /// <summary>The state right now. Any thread.</summary>
    public DiskFigures Figures => new(space.FreeBytes, space.Level, LogWriteMs, _isSlow);

    private long LogWriteMs => log.WritingSinceUs is long sinceUs and > 0
        ? Math.Max(0, (clock.NowUs - sinceUs) / 1_000)
        : 0;

    /// <summary>To be called in each step of the consensus worker, which no disk delays.</summary>
    public void Observe()
    {
        if (stallLimitMs == 0)
        {
            return;
        }

        long nowMs = clock.NowMs;
        if (LogWriteMs >= stallLimitMs)
        {
            _slowMs = nowMs;
        }

        _isSlow = nowMs - _slowMs < LimitsUntilWell * (long)stallLimitMs;
    }
}
