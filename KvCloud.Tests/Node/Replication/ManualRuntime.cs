using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;

namespace KvCloud.Tests.Node.Replication;

/// <summary>For one part of a replica under test: a clock that the test moves, and no workers.</summary>
internal sealed class ManualRuntime(ManualClock? clock = null, ReplicationMetrics? metrics = null) : IReplicaRuntime
{
    public IReplicaClock Clock { get; } = clock ?? new ManualClock();

    public IReplicaObserver? Observer => null;

    public ReplicationMetrics? Metrics => metrics;

    public long NextUniqueId() => 1;

    public IWorkers CreateWorkers(Action<Exception> onFailure) =>
        throw new NotSupportedException("the test runs the part itself");
}
