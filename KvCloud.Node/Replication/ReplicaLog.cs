namespace KvCloud.Node.Replication;

internal static partial class ReplicaLog
{
    [LoggerMessage(1101, LogLevel.Information, "this replica does not take part in consensus yet: {Reason}")]
    public static partial void WaitsForFirstContact(this ILogger logger, string reason);

    [LoggerMessage(1102, LogLevel.Information, "all replicas of the group have met: this one takes part from now on")]
    public static partial void GroupFormed(this ILogger logger);

    [LoggerMessage(1112, LogLevel.Information, "replays its log: slot {Applied} of {Last} after {Seconds:0.0} s")]
    public static partial void Replays(this ILogger logger, long applied, long last, double seconds);

    [LoggerMessage(1103, LogLevel.Information, "snapshots: {What}")]
    public static partial void Snapshot(this ILogger logger, string what);

    [LoggerMessage(1105, LogLevel.Critical, "{What}")]
    public static partial void DataDamaged(this ILogger logger, string what);

    [LoggerMessage(1104, LogLevel.Information, "snapshots: the data of slot {Slot} is in place")]
    public static partial void SnapshotInstalled(this ILogger logger, long slot);
}
