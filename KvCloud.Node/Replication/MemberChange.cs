using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication;

/// <summary>The changes of a group that an operator can order.</summary>
internal enum MemberAction
{
    /// <summary>Adds a learner.</summary>
    Add = 1,

    /// <summary>Makes a learner that has caught up a voter.</summary>
    Promote = 2,

    /// <summary>Makes a voter a learner.</summary>
    Demote = 3,

    /// <summary>Removes a member for good.</summary>
    Remove = 4,

    /// <summary>Makes a learner that has caught up a voter and removes another member, in one change.</summary>
    Replace = 5,

    /// <summary>Changes the addresses of a member.</summary>
    Update = 6,

    /// <summary>Transfers leadership to another voter.</summary>
    TransferLeadership = 7,

    /// <summary>Rebuilds the data of the replica that receives the call. Not a change of the group.</summary>
    Rebuild = 8,
}

/// <summary>One change of the group.</summary>
/// <param name="Node">The member concerned; of a transfer the successor, null for the most up-to-date voter.</param>
/// <param name="Replaced">The member that the node replaces.</param>
/// <param name="IsForced">Overrides the rules about too few voters and about members that do not answer.</param>
internal sealed record MemberChange(
    MemberAction Kind,
    NodeId? Node,
    NodeId? Replaced = null,
    bool IsForced = false)
{
    /// <summary>The node's address for replicas; null to keep it.</summary>
    public string? PeerEndpoint { get; init; }

    /// <summary>The node's address for clients; null to keep it.</summary>
    public string? ClientEndpoint { get; init; }
}

/// <summary>A pending change of the group. It is answered exactly once.</summary>
internal abstract class PendingMemberChange
{
    private int _isFinished;

    public required MemberChange Change { get; init; }

    /// <summary><see cref="IReplicaClock.NowMs"/> after which the caller no longer waits.</summary>
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
