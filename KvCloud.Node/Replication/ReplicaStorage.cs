using KvCloud.Node.Configuration;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication;

/// <summary>What a replica keeps on disk, opened together and closed in the opposite order.</summary>
internal sealed class ReplicaStorage : IDisposable
{
    private readonly RocksKvStore _store;

    private ReplicaStorage(DataDirectory directory, IPaxosLog log, RocksKvStore store)
    {
        Directory = directory;
        Log = log;
        _store = store;
        Executor = new KvStoreExecutor(store);
    }

    public DataDirectory Directory { get; }

    public IPaxosLog Log { get; }

    public KvStoreExecutor Executor { get; }

    /// <exception cref="DataDirectoryException">The directory is not this node's, or is in use.</exception>
    public static ReplicaStorage Open(NodeOptions options, NodeTopology topology)
    {
        var directory = DataDirectory.Open(topology.DataDirectory, topology.ClusterId, topology.SelfId);
        try
        {
            SegmentedPaxosLog log = SegmentedPaxosLog.Open(directory.LogPath);
            return new ReplicaStorage(directory, log, RocksKvStore.Open(directory.DataPath, options.ToStoreOptions()));
        }
        catch
        {
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
