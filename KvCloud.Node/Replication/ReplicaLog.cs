namespace KvCloud.Node.Replication;

internal static partial class ReplicaLog
{
    [LoggerMessage(1, LogLevel.Information, "this replica does not take part in consensus yet: {Reason}")]
    public static partial void WaitsForFirstContact(this ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Information, "all replicas of the group have met: this one takes part from now on")]
    public static partial void GroupFormed(this ILogger logger);
}
