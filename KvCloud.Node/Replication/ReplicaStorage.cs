using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>Everything a replica keeps on disk, opened together and closed in reverse order.</summary>
internal sealed class ReplicaStorage : IDisposable
{
    private readonly IKvStore _store;

    private ReplicaStorage(
        DataDirectory directory,
        IncarnationFile incarnations,
        SegmentedPaxosLog log,
        IKvStore store,
        KvStoreExecutor executor,
        SpaceWatch space,
        bool hasInstalledSnapshot)
    {
        Space = space;
        Directory = directory;
        Incarnations = incarnations;
        Log = log;
        _store = store;
        Executor = executor;
        HasInstalledSnapshot = hasInstalledSnapshot;
    }

    public DataDirectory Directory { get; }

    public IncarnationFile Incarnations { get; }

    public SegmentedPaxosLog Log { get; }

    public KvStoreExecutor Executor { get; }

    /// <summary>Of the volume that all of this is on.</summary>
    public SpaceWatch Space { get; }

    /// <summary>The data store is a snapshot of another replica's that this start has put in place.</summary>
    public bool HasInstalledSnapshot { get; }

    /// <summary>Opens the stores in the directory. If one of them cannot be opened, the directory is closed.</summary>
    public static ReplicaStorage Open(
        IFileSystem files,
        DataDirectory directory,
        Func<string, IKvStore> openStore,
        SegmentedLogOptions logOptions,
        SessionLimits? sessions = null,
        SpaceOptions? space = null)
    {
        SegmentedPaxosLog? log = null;
        IKvStore? store = null;
        try
        {
            var incarnations = IncarnationFile.Open(files, directory.IncarnationsPath, directory.IsNew);
            log = SegmentedPaxosLog.Open(files, directory.LogPath, directory.IsNew, logOptions);
            var paths = new SnapshotPaths(directory.Path);
            SnapshotManifest? snapshot = SnapshotInstaller.PutInPlace(
                files, paths, log, directory.Identity.ClusterId);
            store = openStore(directory.DataPath);
            var executor = new KvStoreExecutor(store, sessions ?? SessionLimits.Default);
            if (snapshot is not null)
            {
                SnapshotInstaller.Finish(files, paths, log, executor.Applied, snapshot);
            }

            directory.NoteStoresMade();
            return new ReplicaStorage(
                directory, incarnations, log, store, executor,
                new SpaceWatch(files, directory.Path, space ?? SpaceOptions.Off), snapshot is not null);
        }
        catch
        {
            store?.Dispose();
            log?.Dispose();
            directory.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Executor.Dispose();
        _store.Dispose();
        Log.Dispose();
        Directory.Dispose();
    }
}
