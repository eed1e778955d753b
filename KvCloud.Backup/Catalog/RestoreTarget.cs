using System.Globalization;

namespace KvCloud.Backup.Catalog;

/// <summary>The point to restore.</summary>
internal sealed record RestoreTarget
{
    /// <summary>The latest point that can be restored.</summary>
    public static readonly RestoreTarget Latest = new();

    private RestoreTarget()
    {
    }

    /// <summary>Every write up to this commit version.</summary>
    public long? Version { get; private init; }

    /// <summary>Every write that was proposed at or before this time.</summary>
    public long? UnixMs { get; private init; }

    /// <summary>Every write up to this slot.</summary>
    public long? Slot { get; private init; }

    public static RestoreTarget AtVersion(long version) => new() { Version = version };

    public static RestoreTarget AtTime(DateTimeOffset time) => new() { UnixMs = time.ToUnixTimeMilliseconds() };

    public static RestoreTarget AtSlot(long slot) => new() { Slot = slot };

    /// <summary>Negative when the target is before the point, 0 at it, positive after it.</summary>
    public int CompareTo(RestorablePoint point) =>
        Version is { } version ? version.CompareTo(point.Version)
        : UnixMs is { } time ? time.CompareTo(point.UnixMs)
        : Slot is { } slot ? slot.CompareTo(point.Slot)
        : 1;

    public override string ToString() =>
        Version is { } version ? string.Create(CultureInfo.InvariantCulture, $"version {version}")
        : UnixMs is { } time ? $"time {RestorableRange.Time(new RestorablePoint(0, 0, time))}"
        : Slot is { } slot ? string.Create(CultureInfo.InvariantCulture, $"slot {slot}")
        : "the latest point";
}
