using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Who is helped by a snapshot, and by the log that follows it: a replica, or a backup.</summary>
internal readonly record struct LogReader(bool IsBackup, long Id)
{
    public static LogReader OfReplica(NodeId node) => new(false, node.Value);

    /// <param name="readerId">As the backup has drawn it.</param>
    public static LogReader OfBackup(long readerId) => new(true, readerId);
}
