using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Pruning;

/// <summary>
/// Removes from an archive what is not needed any more, when nobody else uses it: manifests first, so that no manifest
/// ever names what is gone, then log, then files.
/// </summary>
internal sealed class ArchivePruner(IArchiveStore store, LeaseOptions options)
{
    /// <summary>Few enough that removing them takes much less than a lease lasts.</summary>
    private const int RemovedAtATime = 500;

    /// <param name="policy">What stays.</param>
    /// <param name="isDryRun">Whether it is only said what would be removed.</param>
    /// <param name="cancellationToken">Ends it; what it has not removed stays, and goes the next time.</param>
    /// <exception cref="LeaseConflictException">Somebody uses the archive.</exception>
    /// <exception cref="ArchiveException">Nobody can know what is needed, or the archive cannot be changed.</exception>
    public async Task<PrunePlan> RunAsync(PrunePolicy policy, bool isDryRun, CancellationToken cancellationToken)
    {
        if (isDryRun)
        {
            ArchiveCatalog seen = await ArchiveCatalog.LoadAsync(store, cancellationToken);
            return PrunePlan.For(seen, policy, DateTimeOffset.UtcNow);
        }

        await ArchiveMarker.ReadAsync(store, cancellationToken);
        await using ArchiveLease lease =
            await ArchiveLease.TakeOnceAsync(store, LeaseUse.Prune, options, cancellationToken);
        ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(store, cancellationToken);
        var plan = PrunePlan.For(catalog, policy, lease.Taken);
        await RemoveAsync(plan.Snapshots.Select(snapshot => snapshot.ObjectName), lease, cancellationToken);
        await RemoveAsync(plan.Log.Select(segment => segment.ObjectName), lease, cancellationToken);
        await RemoveAsync(plan.Files.Select(file => file.Name), lease, cancellationToken);
        await store.RemoveAbandonedUploadsAsync(lease.Taken - policy.Grace, cancellationToken);
        return plan;
    }

    private async Task RemoveAsync(
        IEnumerable<string> names, ArchiveLease lease, CancellationToken cancellationToken)
    {
        foreach (string[] some in names.Chunk(RemovedAtATime))
        {
            // Somebody may have begun to use the archive once this one's own lease has ended.
            lease.ThrowIfLost();
            await store.DeleteAsync(some, cancellationToken);
        }
    }
}
