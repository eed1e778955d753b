using System.Text.Json;
using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Reading;
using KvCloud.Backup.Stores;

namespace KvCloud.Cli.Backup;

/// <summary>Brings a moment of an archive into a directory, and has the node's program make data of it.</summary>
internal sealed class RestoreRun(IArchiveStore store, BackupDisplay display)
{
    /// <summary>Plans it by the archive as it is now; nothing of it is removed until the lease is given back.</summary>
    /// <exception cref="ArchiveException">That moment cannot be restored.</exception>
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
