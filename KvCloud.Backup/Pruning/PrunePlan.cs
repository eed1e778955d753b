using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Pruning;

/// <summary>What of an archive is not needed any more.</summary>
/// <param name="Kept">From the oldest of these on, everything stays.</param>
internal sealed record PrunePlan(
    IReadOnlyList<ArchivedSnapshot> Kept,
    IReadOnlyList<ArchivedSnapshot> Snapshots,
    IReadOnlyList<LogSegmentName> Log,
    IReadOnlyList<StoredObject> Files)
{
    public long FreedBytes => Log.Sum(segment => segment.SizeBytes) + Files.Sum(file => file.SizeBytes);

    /// <param name="now">By the clock of the store.</param>
    /// <exception cref="ArchiveException">A manifest is damaged: nobody knows which files it needs.</exception>
    public static PrunePlan For(ArchiveCatalog catalog, PrunePolicy policy, DateTimeOffset now)
    {
        if (catalog.Damaged.Count > 0)
        {
            throw new ArchiveException($"nothing is removed as long as this is so: {catalog.Damaged[0]}");
        }

        // One that is not whole any more restores nothing, so it is not counted.
        ArchivedSnapshot[] whole = [.. catalog.Snapshots.Where(snapshot => snapshot.IsWhole)];
        int first = policy.Snapshots is { } count
            ? Math.Max(0, whole.Length - Math.Max(1, count))
            : Math.Max(0, Array.FindLastIndex(whole, snapshot => snapshot.Modified <= now - policy.Age));

        // A moment behind the oldest snapshot that stays needs no log up to it.
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
