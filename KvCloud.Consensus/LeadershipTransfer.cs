namespace KvCloud.Consensus;

/// <summary>
/// A leader's intention to have another lead: it proposes nothing until the successor has everything, then asks it to
/// take over. What was asked cannot be taken back, it may arrive at any time, and lets voters answer the successor
/// although they hear this leader: so from then on its ballot never has a lease again.
/// </summary>
internal sealed class LeadershipTransfer(PaxosConfig config, StepContext step)
{
    private long _deadline;

    /// <summary>Who is to lead; null for nobody.</summary>
    public NodeId? Successor { get; private set; }

    /// <summary>The successor was asked.</summary>
    public bool IsAsked { get; private set; }

    /// <summary>The successor was asked and has not taken over in the time that it had.</summary>
    public bool HasFailed => IsAsked && step.Now >= _deadline;

    /// <summary>Whether this is the successor, and was asked.</summary>
    public bool HasAsked(NodeId node) => IsAsked && Successor == node;

    /// <summary>False: another is to lead already.</summary>
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

    /// <summary>The successor has not caught up in the time that it had: the leader goes on as before.</summary>
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
