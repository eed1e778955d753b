using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// Threads and the machine's clocks, as in production; the test hears of each command that is applied.
/// </summary>
internal sealed class ObservedRuntime(Action onApplied) : IReplicaRuntime, IReplicaObserver
{
    private readonly ThreadRuntime _threads = new(TimeProvider.System);

    public IReplicaClock Clock => _threads.Clock;

    public IReplicaObserver? Observer => this;

    public ReplicationMetrics? Metrics => null;

    public long NextUniqueId() => _threads.NextUniqueId();

    public IWorkers CreateWorkers(Action<Exception> onFailure) => _threads.CreateWorkers(onFailure);

    public void Applied(Slot slot, int index, in CommandResult result) => onApplied();

    public void Proposed(Slot slot, Ballot ballot, IReadOnlyList<PendingWrite> writes)
    {
    }

    public void Chosen(in ChosenEntry entry)
    {
    }

    public void Stepped(PaxosNode node)
    {
    }

    public void AppliedUpTo(Slot slot)
    {
    }
}
