using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>The outcome of a read that had to wait.</summary>
internal enum ReadStatus
{
    /// <summary>The read may access the store.</summary>
    Ready = 0,

    /// <summary>No leader confirmed the read index before the deadline, or the replica is stopping.</summary>
    NotConfirmed = 1,

    /// <summary>The replica had not applied the slot when the deadline passed.</summary>
    NotApplied = 2,

    /// <summary>The replica does not have the slot, and applies nothing more before its disk has room.</summary>
    NotFollowing = 3,

    /// <summary>The replica is so far behind that it will not have applied the slot in time.</summary>
    Behind = 4,
}

/// <param name="Slot">The read index, if one was confirmed.</param>
internal readonly record struct ReadOutcome(ReadStatus Status, Slot Slot);

/// <summary>A read that waits for a read index or for a slot to be applied. It gets exactly one outcome.</summary>
internal abstract class PendingRead
{
    private int _isFinished;

    /// <summary><see cref="IReplicaClock.NowMs"/> after which the caller no longer waits.</summary>
    public required long DeadlineMs { get; init; }

    /// <summary>Whether it waits for a replica that is far behind too: its caller can ask no other.</summary>
    public bool IsBoundToReplica { get; init; }

    public bool IsFinished => Volatile.Read(ref _isFinished) != 0;

    /// <summary>Sets the outcome unless one is set: the deadline and the slot may race.</summary>
    public void Finish(in ReadOutcome outcome)
    {
        if (Interlocked.Exchange(ref _isFinished, 1) == 0)
        {
            Complete(outcome);
        }
    }

    /// <summary>
    /// The read index is confirmed but not applied here yet. The rules of <see cref="Complete"/> hold.
    /// </summary>
    public virtual void Confirmed(Slot readIndex)
    {
    }

    /// <summary>Called once, by a worker of the replica: it must not block, do I/O, or throw.</summary>
    protected abstract void Complete(in ReadOutcome outcome);
}
