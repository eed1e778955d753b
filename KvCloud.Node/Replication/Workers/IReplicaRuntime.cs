namespace KvCloud.Node.Replication.Workers;

/// <summary>
/// What a replica takes from the world it runs in. In production threads and the machine's clocks, in the simulator
/// what the seed makes of them.
/// </summary>
internal interface IReplicaRuntime
{
    IReplicaClock Clock { get; }

    /// <summary>Sees what the replica decides; null in production. See <see cref="IReplicaObserver"/>.</summary>
    IReplicaObserver? Observer { get; }

    /// <summary>Null where nobody measures, as in the simulator.</summary>
    ReplicationMetrics? Metrics { get; }

    /// <summary>Where ids begin that must not repeat those of an earlier start. Positive, with room above it.</summary>
    long NextUniqueId();

    /// <param name="onFailure">Gets the first exception of a run, after which no other begins.</param>
    IWorkers CreateWorkers(Action<Exception> onFailure);
}
