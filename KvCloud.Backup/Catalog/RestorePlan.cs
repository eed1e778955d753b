using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>The objects of an archive that a restore of one point needs.</summary>
/// <param name="Snapshot">The last one at or before the point.</param>
/// <param name="Log">The segments after it, up to the point.</param>
/// <param name="FirstVersion">
/// The versions of the new cluster begin here: above every version that the old one may have issued.
/// </param>
internal sealed record RestorePlan(
    RestoreTarget Target, ArchivedSnapshot Snapshot, IReadOnlyList<LogSegmentName> Log, long FirstVersion)
{
    /// <summary>
    /// The distance from the last archived version. A cluster that commits 100,000 writes a second needs 7.9 days after
    /// its last archived write to reach the versions of a cluster that was restored from the archive.
    /// </summary>
    public const long VersionStep = 1L << 36;

    public long SizeBytes => Snapshot.Manifest.SizeBytes + Log.Sum(segment => segment.SizeBytes);

    /// <exception cref="ArchiveException">The point cannot be restored; the message names what can.</exception>
    public static RestorePlan For(ArchiveCatalog catalog, RestoreTarget target)
    {
        bool isLatest = target == RestoreTarget.Latest;
        RestorableRange range = (isLatest
            ? (catalog.Ranges.Count > 0 ? catalog.Ranges[^1] : null)
            : catalog.Ranges.LastOrDefault(
                range => target.CompareTo(range.From) >= 0 && target.CompareTo(range.To) <= 0))
            ?? throw Refusal(catalog, target);

        // The latest snapshot leaves the least log to apply.
        ArchivedSnapshot snapshot = catalog.Snapshots.Last(candidate => candidate.IsWhole
            && candidate.Manifest.Slot >= range.From.Slot
            && candidate.Manifest.Slot <= range.To.Slot
            && (isLatest || target.CompareTo(PointOf(candidate.Manifest)) >= 0));
        return new RestorePlan(target, snapshot, LogUpTo(catalog, snapshot, target), FirstVersionOf(catalog));
    }

    /// <summary>The segments up to the first one after which nothing can belong to the target.</summary>
    private static List<LogSegmentName> LogUpTo(
        ArchiveCatalog catalog, ArchivedSnapshot snapshot, RestoreTarget target)
    {
        var log = new List<LogSegmentName>();
        if (target.Slot == snapshot.Manifest.Slot)
        {
            return log;
        }

        foreach (LogSegmentName segment in LogChain.After(catalog.Log, snapshot.Manifest.Slot))
        {
            log.Add(segment);

            // A time must be passed, not only reached: several batches may be proposed within one millisecond.
            bool isPast = target.Version <= segment.Version
                || target.Slot <= segment.LastSlot
                || target.UnixMs < segment.LastUnixMs;
            if (isPast)
            {
                break;
            }
        }

        return log;
    }

    private static long FirstVersionOf(ArchiveCatalog catalog) =>
        ((catalog.HighestVersion + VersionStep + VersionStep - 1) / VersionStep) * VersionStep;

    private static RestorablePoint PointOf(SnapshotManifest manifest) =>
        new(manifest.Slot, manifest.Version, manifest.UnixMs);

    private static ArchiveException Refusal(ArchiveCatalog catalog, RestoreTarget target) => new(
        catalog.Ranges.Count == 0
            ? "nothing can be restored: the archive has no complete snapshot"
            : $"{target} cannot be restored: the archive does not cover it. Restorable are "
                + string.Join("; ", catalog.Ranges.Select(range => range.Describe())));
}
