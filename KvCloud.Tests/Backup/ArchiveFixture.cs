using KvCloud.Backup.Catalog;
using KvCloud.Backup.Copying;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

/// <summary>An archive in a temporary directory, and backups of scripted replicas into it.</summary>
internal sealed class ArchiveFixture : IDisposable
{
    public static readonly LeaseOptions Leases = new() { Pause = TimeSpan.FromMilliseconds(100) };

    /// <summary>Short enough that a test can wait for the end of one that nobody renews.</summary>
    public static readonly LeaseOptions Short = Leases with { Ttl = TimeSpan.FromSeconds(6) };

    /// <summary>No wait for a lease of another.</summary>
    public static readonly LeaseOptions NoWait = Leases with { WaitTimeout = default };

    public ArchiveFixture()
    {
        Root = Directory.CreateTempSubdirectory("kvcloud-archive-").FullName;
        Store = new DirectoryStore(Path.Combine(Root, "archive"));
    }

    public string Root { get; }

    public IArchiveStore Store { get; }

    /// <summary>What the backups of this fixture have told.</summary>
    public List<string> Told { get; } = [];

    public string PathOf(string name) => Path.Combine(Store.Address, name);

    public Task<ArchiveCatalog> CatalogAsync() => ArchiveCatalog.LoadAsync(Store, CancellationToken.None);

    /// <summary>One backup that ends by itself.</summary>
    public Task<BackupProgress> BackUpAsync(params IReplicaSource[] replicas) =>
        BackUpAsync(new BackupOptions { Leases = Leases }, CancellationToken.None, replicas);

    public async Task<BackupProgress> BackUpAsync(
        BackupOptions options, CancellationToken stop, params IReplicaSource[] replicas)
    {
        var progress = new BackupProgress { Tell = Tell };
        await using var run = new BackupRun(Store, replicas, options, progress, TimeProvider.System);
        try
        {
            await run.RunAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped, as a test wants it.
        }

        return progress;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private void Tell(string sentence)
    {
        lock (Told)
        {
            Told.Add(sentence);
        }
    }
}
