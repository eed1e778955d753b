using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Pruning;

/// <summary>
/// Removes what a policy does not keep: manifests first, so that no manifest ever names a file that is gone, then log,
/// then files. Runs only while nobody copies a snapshot, restores or verifies.
/// </summary>
internal sealed class ArchivePruner(IArchiveStore store, LeaseOptions options)
{
    /// <summary>Objects removed between two checks of the lease; they take much less time than it lasts.</summary>
    private const int BatchSize = 500;

    /// <param name="policy">What to keep.</param>
    /// <param name="isDryRun">Whether to return the plan without removing anything.</param>
    /// <param name="cancellationToken">Stops the removal; the next prune removes the rest.</param>
    /// <exception cref="LeaseConflictException">A conflicting use of the archive is under way.</exception>
    /// <exception cref="ArchiveException">A manifest is damaged, or the archive cannot be written.</exception>
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
        foreach (string[] batch in names.Chunk(BatchSize))
        {
            // Without the lease another process may have begun to use what is removed here.
            lease.ThrowIfLost();
            await store.DeleteAsync(batch, cancellationToken);
        }
    }
}
