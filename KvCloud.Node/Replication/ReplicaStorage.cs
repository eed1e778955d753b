using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
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
        bool hasInstalledSnapshot,
        RebuildMark? mark)
    {
        Mark = mark;
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

    /// <summary>Watches the free space of the directory's volume.</summary>
    public SpaceWatch Space { get; }

    /// <summary>Whether this start has installed another replica's snapshot as the data store.</summary>
    public bool HasInstalledSnapshot { get; }

    /// <summary>
    /// The mark of a rebuild, whose data may be missing; null if the data are sound, as far as is known.
    /// </summary>
    public RebuildMark? Mark { get; }

    /// <summary>Whether there is nothing in it that a replica could have promised, accepted or learned.</summary>
    public bool IsEmpty => !HasInstalledSnapshot && Mark is null && !Executor.Health.IsDamaged
        && Executor.AppliedSlot == Slot.Zero && Log.Promised.IsZero && Log.ChosenSlot == Slot.Zero
        && Log.LastSlot < Log.FirstSlot;

    /// <summary>Opens the stores in the directory. If one of them cannot be opened, the directory is closed.</summary>
    public static ReplicaStorage Open(
        IFileSystem files,
        DataDirectory directory,
        Func<string, IKvStore> openStore,
        SegmentedLogOptions logOptions,
        SessionLimits? sessions = null,
        SpaceOptions? space = null,
        int supportedLevel = FeatureLevels.Newest)
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
            var mark = RebuildMark.Read(files, paths);
            KvStoreExecutor executor = snapshot is null && mark is { Damage: StoreDamage known }
                ? WithoutData(known, out store)
                : OpenData(
                    openStore, directory.DataPath, sessions ?? SessionLimits.Default, supportedLevel, out store);
            if (executor.Health.Damage is StoreDamage found)
            {
                mark = new RebuildMark(found);
                mark.Write(files, paths);
            }
            else if (snapshot is not null)
            {
                SnapshotInstaller.Finish(files, paths, log, executor.Applied, snapshot);
                mark = null;
            }

            directory.NoteStoresMade();
            return new ReplicaStorage(
                directory, incarnations, log, store, executor,
                new SpaceWatch(files, directory.Path, space ?? SpaceOptions.Off),
                snapshot is not null && mark is null, mark);
        }
        catch
        {
            store?.Dispose();
            log?.Dispose();
            directory.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens the data store. A damaged one is closed again and left in place; an empty store whose health reports the
    /// damage stands in for it.
    /// </summary>
    private static KvStoreExecutor OpenData(
        Func<string, IKvStore> openStore,
        string path,
        SessionLimits sessions,
        int supportedLevel,
        out IKvStore store)
    {
        IKvStore? opened = null;
        try
        {
            opened = openStore(path);
            store = opened;
            return new KvStoreExecutor(opened, sessions, supportedLevel: supportedLevel);
        }
        catch (StoreCorruptException exception)
        {
            opened?.Dispose();
            return WithoutData(StoreDamage.Of(exception), out store);
        }
    }

    private static KvStoreExecutor WithoutData(StoreDamage damage, out IKvStore store)
    {
        store = new MemoryKvStore();
        var executor = new KvStoreExecutor(store);
        executor.Health.Report(damage);
        return executor;
    }

    public void Dispose()
    {
        Executor.Dispose();
        _store.Dispose();
        Log.Dispose();
        Directory.Dispose();
    }
}
