using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>How a restore opens data stores.</summary>
/// <param name="Open">Opens one for writing.</param>
/// <param name="OpenCopy">Opens one read-only: nothing in the directory changes.</param>
/// <param name="Sessions">The session limits of the replicas that wrote the log; null for the defaults.</param>
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
