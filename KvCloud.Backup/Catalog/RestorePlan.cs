using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>What of an archive is needed to restore one moment.</summary>
/// <param name="Snapshot">The last one before that moment.</param>
/// <param name="Log">What follows it, up to that moment.</param>
/// <param name="FirstVersion">
/// Where the new cluster's versions begin: above all that the old one may have given.
/// </param>
internal sealed record RestorePlan(
    RestoreTarget Target, ArchivedSnapshot Snapshot, IReadOnlyList<LogSegmentName> Log, long FirstVersion)
{
    /// <summary>
    /// A cluster that gives a million versions a second goes on for 19 hours after what was archived last before it
    /// reaches those of the cluster that was restored from the archive.
    /// </summary>
    public const long VersionStep = 1L << 36;

    public long SizeBytes => Snapshot.Manifest.SizeBytes + Log.Sum(segment => segment.SizeBytes);

    /// <exception cref="ArchiveException">That moment cannot be restored; the message names what can.</exception>
    public static RestorePlan For(ArchiveCatalog catalog, RestoreTarget target)
    {
        bool isLatest = target == RestoreTarget.Latest;
        RestorableRange range = (isLatest
            ? (catalog.Ranges.Count > 0 ? catalog.Ranges[^1] : null)
            : catalog.Ranges.LastOrDefault(
                range => target.CompareTo(range.From) >= 0 && target.CompareTo(range.To) <= 0))
            ?? throw Refusal(catalog, target);

        // The nearest snapshot leaves the least log to be applied.
        ArchivedSnapshot snapshot = catalog.Snapshots.Last(candidate => candidate.IsWhole
            && candidate.Manifest.Slot >= range.From.Slot
            && candidate.Manifest.Slot <= range.To.Slot
            && (isLatest || target.CompareTo(PointOf(candidate.Manifest)) >= 0));
        return new RestorePlan(target, snapshot, LogUpTo(catalog, snapshot, target), FirstVersionOf(catalog));
    }

    /// <summary>Up to the first segment behind which nothing more of that moment can come.</summary>
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

            // Several batches may have been proposed within the same millisecond.
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
            ? "nothing can be restored: the archive has no whole snapshot"
            : $"{target} cannot be restored. What can: "
                + string.Join("; ", catalog.Ranges.Select(range => range.Describe())));
}
