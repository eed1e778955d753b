using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>How the data stores of a restore are opened.</summary>
/// <param name="Open">To be written.</param>
/// <param name="OpenCopy">To be read: nothing in the directory changes.</param>
/// <param name="Sessions">As in the replicas that the log comes from; null for those of production.</param>
internal sealed record RestoreStores(
    Func<string, IKvStore> Open, Func<string, IKvStore> OpenCopy, SessionLimits? Sessions = null)
{
    public static RestoreStores OfRocks()
    {
        var options = new StoreOptions();
        return new RestoreStores(
            path => RocksKvStore.Open(path, options), path => RocksKvStore.OpenReadOnly(path, options));
    }
}
