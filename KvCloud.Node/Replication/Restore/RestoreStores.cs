using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>How a restore opens data stores and logs, and what it draws for a new group.</summary>
/// <param name="Open">Opens one for writing.</param>
/// <param name="OpenCopy">Opens one read-only: nothing in the directory changes.</param>
/// <param name="Sessions">The session limits of the replicas that wrote the log; null for the defaults.</param>
internal sealed record RestoreStores(
    Func<string, IKvStore> Open, Func<string, IKvStore> OpenCopy, SessionLimits? Sessions = null)
{
    /// <summary>Of the logs that it makes or copies. None of them grows, so none needs a spare segment.</summary>
    public SegmentedLogOptions Log { get; init; } = new() { RunLater = static _ => { } };

    /// <summary>Draws the incarnations of the new replicas; null for random ones.</summary>
    public Func<long>? DrawIncarnation { get; init; }

    public static RestoreStores OfRocks()
    {
        var options = new StoreOptions();
        return new RestoreStores(
            path => RocksKvStore.Open(path, options), path => RocksKvStore.OpenReadOnly(path, options));
    }
}
