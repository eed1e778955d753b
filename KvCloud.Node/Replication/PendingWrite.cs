using System.Diagnostics;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication;

/// <summary>One write on its way: an encoded command in, exactly one answer out.</summary>
internal abstract class PendingWrite
{
    private int _isFinished;

    /// <summary>The command as <see cref="Operations.CommandCodec"/> encoded it.</summary>
    public required ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> after which the caller is told OUTCOME_UNKNOWN (TIMEOUT if it was never
    /// proposed).
    /// </summary>
    public required long DeadlineMs { get; init; }

    /// <summary>Its span, above that of its slot; null where it is not traced. Whoever set it ends it.</summary>
    public Activity? Span { get; set; }

    /// <summary>Whether its slot holds nothing else, so that its answer goes out alone.</summary>
    public bool IsAlone { get; set; }

    public bool IsFinished => Volatile.Read(ref _isFinished) != 0;

    /// <summary>Answers unless it was answered before: the deadline and the outcome may race.</summary>
    public void Finish(in CommandResult result)
    {
        FinishQuietly(result);
        Announce();
    }

    /// <summary>
    /// As <see cref="Finish"/>, but <see cref="Announce"/> is still to be called: after all writes that finish
    /// together, so that those of one connection leave it together.
    /// </summary>
    public void FinishQuietly(in CommandResult result)
    {
        if (Interlocked.Exchange(ref _isFinished, 1) == 0)
        {
            Complete(result);
        }
    }

    /// <summary>
    /// Says that the answer is there. More than once does no harm. As <see cref="Complete"/>, it must not block.
    /// </summary>
    public virtual void Announce()
    {
    }

    /// <summary>
    /// Called once, from a replication thread: it must not block, do input or output, or throw. Callers use
    /// <see cref="Finish"/>.
    /// </summary>
    protected abstract void Complete(in CommandResult result);
}
