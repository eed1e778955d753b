using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>What became of a read that had to wait.</summary>
internal enum ReadStatus
{
    /// <summary>It may look into the store.</summary>
    Ready = 0,

    /// <summary>No leader confirmed its read index before its deadline, or the replica stops.</summary>
    NotConfirmed = 1,

    /// <summary>The replica had not applied its slot when the deadline passed.</summary>
    NotApplied = 2,
}

/// <param name="Slot">The read index, where one was confirmed.</param>
internal readonly record struct ReadOutcome(ReadStatus Status, Slot Slot);

/// <summary>A read that waits: for a read index, or for a slot to be applied. It gets exactly one outcome.</summary>
internal abstract class PendingRead
{
    private int _isFinished;

    /// <summary><see cref="IReplicaClock.NowMs"/> after which nobody waits for it any more.</summary>
    public required long DeadlineMs { get; init; }

    public bool IsFinished => Volatile.Read(ref _isFinished) != 0;

    /// <summary>Gives the outcome, unless it has one: its deadline and its slot may race.</summary>
    public void Finish(in ReadOutcome outcome)
    {
        if (Interlocked.Exchange(ref _isFinished, 1) == 0)
        {
            Complete(outcome);
        }
    }

    /// <summary>
    /// Its read index is confirmed; what is missing is that it is applied here. As <see cref="Complete"/>.
    /// </summary>
    public virtual void Confirmed(Slot readIndex)
    {
    }

    /// <summary>Called once, from a worker of the replica: it must not block, do input or output, or throw.</summary>
    protected abstract void Complete(in ReadOutcome outcome);
}
