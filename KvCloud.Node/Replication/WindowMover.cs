using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Moves the retention window while nobody writes. It moves by batches, so a leader with nothing to propose proposes an
/// empty one now and then, until no version but the newest can be read: an idle group does not write for ever.
/// Owned by the consensus worker.
/// </summary>
internal sealed class WindowMover(ReplicationOptions options, IReplicaClock clock, KvStoreExecutor executor)
{
    /// <summary>A window shorter than eight of these moves by more than a step at a time.</summary>
    private const int MinIntervalMs = 100;

    private readonly long _intervalMs =
        Math.Max(MinIntervalMs, (options.Retention.TimeMs / RetentionWindow.StepsPerWindow) + 1);

    private long _sinceMs = clock.NowMs;

    /// <summary>Somebody writes, or another node leads: the time without a batch begins anew.</summary>
    public void Rest() => _sinceMs = clock.NowMs;

    /// <summary>To be called in each step of a leader, when all that waited was proposed.</summary>
    public void Move(PaxosNode node, ProposalQueue proposals)
    {
        if (!proposals.IsIdle)
        {
            Rest();
        }
        else if (clock.NowMs - _sinceMs >= _intervalMs
            && node.InFlightSlots == 0
            && executor.AppliedSlot == node.ChosenSlot
            && executor.VersionsInWindow > 0)
        {
            Rest();
            proposals.ProposeEmpty(node);
        }
    }
}
