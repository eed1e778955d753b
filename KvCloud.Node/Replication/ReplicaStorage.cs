using KvCloud.Node.Configuration;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>What a replica keeps on disk, opened together and closed in the opposite order.</summary>
internal sealed class ReplicaStorage : IDisposable
{
    private readonly RocksKvStore _store;

    private ReplicaStorage(DataDirectory directory, IncarnationFile incarnations, IPaxosLog log, RocksKvStore store)
    {
        Directory = directory;
        Incarnations = incarnations;
        Log = log;
        _store = store;
        Executor = new KvStoreExecutor(store);
    }

    public DataDirectory Directory { get; }

    public IncarnationFile Incarnations { get; }

    public IPaxosLog Log { get; }

    public KvStoreExecutor Executor { get; }

    /// <exception cref="DataDirectoryException">The directory is not this node's, or is in use.</exception>
    public static ReplicaStorage Open(NodeOptions options, NodeTopology topology)
    {
        string voters = GroupTerms.Describe(topology.Replicas.Select(replica => replica.NodeId));
        var directory = DataDirectory.Open(topology.DataDirectory, topology.ClusterId, topology.SelfId, voters);
        SegmentedPaxosLog? log = null;
        RocksKvStore? store = null;
        try
        {
            var incarnations = IncarnationFile.Open(directory.IncarnationsPath, directory.IsNew);
            log = SegmentedPaxosLog.Open(directory.LogPath, directory.IsNew);
            store = RocksKvStore.Open(directory.DataPath, options.ToStoreOptions());
            directory.NoteStoresMade();
            return new ReplicaStorage(directory, incarnations, log, store);
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
