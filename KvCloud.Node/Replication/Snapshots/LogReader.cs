using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>A reader of a snapshot and of the log after it: a replica or a backup.</summary>
internal readonly record struct LogReader(bool IsBackup, long Id)
{
    public static LogReader OfReplica(NodeId node) => new(false, node.Value);

    /// <param name="readerId">A random number that the backup has drawn.</param>
    public static LogReader OfBackup(long readerId) => new(true, readerId);
}
