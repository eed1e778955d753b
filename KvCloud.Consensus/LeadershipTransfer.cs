namespace KvCloud.Consensus;

/// <summary>
/// A transfer of leadership: the leader proposes nothing until the successor has every slot, then sends it TimeoutNow.
/// That message cannot be taken back: it may arrive at any time, and lets voters answer the successor although they
/// still hear this leader. So from then on the leader's ballot never has a lease again.
/// </summary>
internal sealed class LeadershipTransfer(PaxosConfig config, StepContext step)
{
    private long _deadline;

    /// <summary>The node that is to take over; null when no transfer is under way.</summary>
    public NodeId? Successor { get; private set; }

    /// <summary>Whether TimeoutNow was sent.</summary>
    public bool IsAsked { get; private set; }

    /// <summary>Whether the successor was asked and has not taken over within the deadline.</summary>
    public bool HasFailed => IsAsked && step.Now >= _deadline;

    /// <summary>Whether the node is the successor and was asked.</summary>
    public bool HasAsked(NodeId node) => IsAsked && Successor == node;

    /// <summary>Begins a transfer; false if one is under way already.</summary>
    public bool TryBegin(NodeId successor)
    {
        if (Successor is not null)
        {
            return false;
        }

        Successor = successor;
        _deadline = step.Now + config.ElectionTimeoutTicks;
        return true;
    }

    /// <summary>Cancels the transfer if the successor has not caught up in time; proposing resumes.</summary>
    public void GiveUpIfLate()
    {
        if (!IsAsked && step.Now >= _deadline)
        {
            Successor = null;
        }
    }

    public void Ask(Ballot ballot, NodeId successor)
    {
        Successor = successor;
        IsAsked = true;
        step.Effects.Send.Add(new TimeoutNow(config.Self, successor, ballot));
    }
}
