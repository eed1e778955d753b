using System.Text.Json;
using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Reading;
using KvCloud.Backup.Stores;

namespace KvCloud.Cli.Backup;

/// <summary>Downloads what a restore needs, and runs the node's program to build data directories from it.</summary>
internal sealed class RestoreRun(IArchiveStore store, BackupDisplay display)
{
    /// <summary>Plans the restore from the archive's current contents; the caller holds a lease on them.</summary>
    /// <exception cref="ArchiveException">The target cannot be restored.</exception>
    public async Task<(ArchiveCatalog Catalog, RestorePlan Plan)> PlanAsync(
        RestoreTarget target, CancellationToken cancellationToken)
    {
        ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(store, cancellationToken);
        return (catalog, RestorePlan.For(catalog, target));
    }

    public Task<ArchiveLease> TakeLeaseAsync(CancellationToken cancellationToken) => ArchiveLease.TakeAsync(
        store, LeaseUse.Read, new LeaseOptions(), display.Tell, cancellationToken);

    public async Task StageAsync(
        RestorePlan plan, string staging, ArchiveLease lease, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Lost);
        var progress = new ReadProgress();
        Task reading = new RestoreStaging(store, staging, progress).FillAsync(plan, limit.Token);
        await display.ShowAsync("fetched", progress, reading);
        try
        {
            await reading;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            lease.ThrowIfLost();
            throw;
        }
    }

    public async Task<JsonElement> ApplyAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var progress = new NodeProgress();
        Task<JsonElement> restore = NodeRestore.RunAsync(arguments, progress.Hear, cancellationToken);
        await display.ShowAsync(progress, restore);
        return await restore;
    }
}
