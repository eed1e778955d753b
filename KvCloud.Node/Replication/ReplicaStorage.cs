using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
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
        SessionLimits sessions,
        SpaceWatch space)
    {
        Space = space;
        Directory = directory;
        Incarnations = incarnations;
        Log = log;
        _store = store;
        Executor = new KvStoreExecutor(store, sessions);
    }

    public DataDirectory Directory { get; }

    public IncarnationFile Incarnations { get; }

    public SegmentedPaxosLog Log { get; }

    public KvStoreExecutor Executor { get; }

    /// <summary>Of the volume that all of this is on.</summary>
    public SpaceWatch Space { get; }

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
            store = openStore(directory.DataPath);
            directory.NoteStoresMade();
            return new ReplicaStorage(
                directory, incarnations, log, store, sessions ?? SessionLimits.Default,
                new SpaceWatch(files, directory.Path, space ?? SpaceOptions.Off));
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
