using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Workers;

/// <summary>
/// Observes what a replica decides, as it decides; the simulator's checkers use it. Must not change anything.
/// </summary>
internal interface IReplicaObserver
{
    /// <summary>A batch of writes was proposed in the slot.</summary>
    void Proposed(Slot slot, Ballot ballot, IReadOnlyList<PendingWrite> writes);

    /// <summary>The slot was handed out as chosen.</summary>
    void Chosen(in ChosenEntry entry);

    /// <summary>A step of the core has ended and its effects are carried out.</summary>
    void Stepped(PaxosNode node);

    /// <summary>A command of a slot was applied to the data store.</summary>
    void Applied(Slot slot, int index, in CommandResult result);

    /// <summary>All slots of a batch are applied and readable.</summary>
    void AppliedUpTo(Slot slot);
}
