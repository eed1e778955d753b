namespace KvCloud.Node.Replication.Workers;

/// <summary>
/// What a replica takes from its environment: threads and the machine's clocks in production, what the seed dictates in
/// the simulator.
/// </summary>
internal interface IReplicaRuntime
{
    IReplicaClock Clock { get; }

    /// <summary>Observes the replica's decisions; null in production. See <see cref="IReplicaObserver"/>.</summary>
    IReplicaObserver? Observer { get; }

    /// <summary>Null where nothing is measured, as in the simulator.</summary>
    ReplicationMetrics? Metrics { get; }

    /// <summary>Where ids begin that must not repeat those of an earlier start. Positive, with room above it.</summary>
    long NextUniqueId();

    /// <param name="onFailure">Receives the first exception of a run; no further run begins after it.</param>
    IWorkers CreateWorkers(Action<Exception> onFailure);
}
