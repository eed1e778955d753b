using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication;

/// <summary>What an operator asks of the group itself.</summary>
internal enum MemberAction
{
    /// <summary>A new member that has no vote yet.</summary>
    Add = 1,

    /// <summary>A learner that has caught up gets a vote.</summary>
    Promote = 2,

    /// <summary>A voter becomes a learner.</summary>
    Demote = 3,

    /// <summary>A member leaves for good.</summary>
    Remove = 4,

    /// <summary>A learner that has caught up takes the place of another member, in one change.</summary>
    Replace = 5,

    /// <summary>A member is reached at another address.</summary>
    Update = 6,

    /// <summary>Another voter leads.</summary>
    TransferLeadership = 7,

    /// <summary>The data of the replica that is asked are made anew from another's. No change of the group.</summary>
    Rebuild = 8,
}

/// <summary>One change of the group.</summary>
/// <param name="Node">Whom it is about; of a transfer who is to lead, null for the best.</param>
/// <param name="Replaced">Whose place the node takes.</param>
/// <param name="IsForced">Also where fewer voters stay than a group should have, or one does not answer.</param>
internal sealed record MemberChange(
    MemberAction Kind,
    NodeId? Node,
    NodeId? Replaced = null,
    bool IsForced = false)
{
    /// <summary>Where replicas reach the node; null for where they did.</summary>
    public string? PeerEndpoint { get; init; }

    /// <summary>Where clients reach the node; null for where they did.</summary>
    public string? ClientEndpoint { get; init; }
}

/// <summary>A change of the group on its way: exactly one answer comes out.</summary>
internal abstract class PendingMemberChange
{
    private int _isFinished;

    public required MemberChange Change { get; init; }

    /// <summary><see cref="IReplicaClock.NowMs"/> after which nobody waits any more.</summary>
    public required long DeadlineMs { get; init; }

    public void Finish(in CommandResult result)
    {
        if (Interlocked.Exchange(ref _isFinished, 1) == 0)
        {
            Complete(result);
        }
    }

    /// <summary>Called once, from a worker of the replica: it must not block, do input or output, or throw.</summary>
    protected abstract void Complete(in CommandResult result);
}
