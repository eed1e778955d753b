using System.Globalization;

namespace KvCloud.Backup.Catalog;

/// <summary>Which moment is to be restored.</summary>
internal sealed record RestoreTarget
{
    /// <summary>The latest moment that can be restored.</summary>
    public static readonly RestoreTarget Latest = new();

    private RestoreTarget()
    {
    }

    /// <summary>Everything with this version or a lower one.</summary>
    public long? Version { get; private init; }

    /// <summary>Everything that was proposed at this moment or before it.</summary>
    public long? UnixMs { get; private init; }

    /// <summary>Everything up to this slot.</summary>
    public long? Slot { get; private init; }

    public static RestoreTarget AtVersion(long version) => new() { Version = version };

    public static RestoreTarget AtTime(DateTimeOffset time) => new() { UnixMs = time.ToUnixTimeMilliseconds() };

    public static RestoreTarget AtSlot(long slot) => new() { Slot = slot };

    /// <summary>Where this lies beside a point: below 0 before it, 0 at it.</summary>
    public int CompareTo(RestorablePoint point) =>
        Version is { } version ? version.CompareTo(point.Version)
        : UnixMs is { } time ? time.CompareTo(point.UnixMs)
        : Slot is { } slot ? slot.CompareTo(point.Slot)
        : 1;

    public override string ToString() =>
        Version is { } version ? string.Create(CultureInfo.InvariantCulture, $"version {version}")
        : UnixMs is { } time ? $"time {RestorableRange.Time(new RestorablePoint(0, 0, time))}"
        : Slot is { } slot ? string.Create(CultureInfo.InvariantCulture, $"slot {slot}")
        : "the latest moment";
}
