using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Pruning;

/// <summary>The objects that a prune removes.</summary>
/// <param name="Kept">The snapshots that stay; the log after the oldest of them stays too.</param>
/// <param name="Snapshots">The snapshots to remove.</param>
/// <param name="Log">The log segments to remove.</param>
/// <param name="Files">The files to remove: unreferenced, and older than the grace period.</param>
internal sealed record PrunePlan(
    IReadOnlyList<ArchivedSnapshot> Kept,
    IReadOnlyList<ArchivedSnapshot> Snapshots,
    IReadOnlyList<LogSegmentName> Log,
    IReadOnlyList<StoredObject> Files)
{
    public long FreedBytes => Log.Sum(segment => segment.SizeBytes) + Files.Sum(file => file.SizeBytes);

    /// <param name="now">By the clock of the store.</param>
    /// <exception cref="ArchiveException">A manifest is damaged, so the files that it needs are unknown.</exception>
    public static PrunePlan For(ArchiveCatalog catalog, PrunePolicy policy, DateTimeOffset now)
    {
        if (catalog.Damaged.Count > 0)
        {
            throw new ArchiveException(
                "nothing was removed, because the files that a damaged manifest needs are unknown:"
                + $" {catalog.Damaged[0]}. Remove that manifest if its snapshot is not wanted");
        }

        // A snapshot with missing files cannot be restored, so it does not count.
        ArchivedSnapshot[] whole = [.. catalog.Snapshots.Where(snapshot => snapshot.IsWhole)];
        int first = policy.Snapshots is { } count
            ? Math.Max(0, whole.Length - Math.Max(1, count))
            : Math.Max(0, Array.FindLastIndex(whole, snapshot => snapshot.Modified <= now - policy.Age));

        // Points after the oldest kept snapshot need no log up to it.
        long needed = whole.Length > 0 ? whole[first].Manifest.Slot : 0;
        ArchivedSnapshot[] kept = [.. catalog.Snapshots.Where(snapshot => snapshot.Manifest.Slot >= needed)];
        ArchivedSnapshot[] removed = [.. catalog.Snapshots.Where(snapshot => snapshot.Manifest.Slot < needed)];
        var referred = kept.SelectMany(snapshot => snapshot.Manifest.Files)
            .Select(file => file.ObjectName)
            .ToHashSet(StringComparer.Ordinal);
        return new PrunePlan(
            kept,
            removed,
            [.. catalog.Log.Where(segment => segment.LastSlot <= needed)],
            [
                .. catalog.Files.Values.Where(
                    file => !referred.Contains(file.Name) && file.Modified < now - policy.Grace),
            ]);
    }
}
