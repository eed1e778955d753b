using System.Security.Cryptography;

namespace KvCloud.Node.Replication.Workers;

/// <summary>Threads and the machine's own clocks.</summary>
internal sealed class ThreadRuntime(TimeProvider time, ReplicationMetrics? metrics = null)
    : IReplicaRuntime
{
    public IReplicaClock Clock { get; } = new ReplicaClock(time);

    public IReplicaObserver? Observer => null;

    public ReplicationMetrics? Metrics => metrics;

    public long NextUniqueId() =>
        BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) & (long.MaxValue >> 1);

    public IWorkers CreateWorkers(Action<Exception> onFailure) => new ThreadWorkers(onFailure);
}
