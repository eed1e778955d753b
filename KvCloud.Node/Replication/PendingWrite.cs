using System.Diagnostics;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Node.Replication;

/// <summary>A write in progress: an encoded command in, exactly one answer out.</summary>
internal abstract class PendingWrite
{
    private int _isFinished;
    private bool _isProposed;

    /// <summary>The command as <see cref="Operations.CommandCodec"/> encoded it.</summary>
    public required ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> after which the caller is told OUTCOME_UNKNOWN (TIMEOUT if it was never
    /// proposed).
    /// </summary>
    public required long DeadlineMs { get; init; }

    /// <summary>Whose write it is; null for one that counts against no caller's share.</summary>
    public Flow? Flow { get; set; }

    /// <summary>The connection that it came by; null where the caller has only one.</summary>
    public object? Connection { get; set; }

    /// <summary>
    /// The span above that of its slot; null if the write is not traced. The component that set it ends it.
    /// </summary>
    public Activity? Span { get; set; }

    /// <summary>Whether its slot holds nothing else, so that its answer is sent alone.</summary>
    public bool IsAlone { get; set; }

    public bool IsFinished => Volatile.Read(ref _isFinished) != 0;

    /// <summary>It goes into consensus, and counts for its caller there until it is answered.</summary>
    public void NoteProposed()
    {
        if (Flow is { } flow)
        {
            _isProposed = true;
            flow.CountProposed(1, Command.Length);
        }
    }

    /// <summary>Answers unless the write is already answered: the deadline and the outcome may race.</summary>
    public void Finish(in CommandResult result)
    {
        FinishQuietly(result);
        Announce();
    }

    /// <summary>
    /// As <see cref="Finish"/>, but leaves <see cref="Announce"/> to the caller, which calls it once all writes that
    /// finish together have their answers, so that those of one connection leave it together.
    /// </summary>
    public void FinishQuietly(in CommandResult result)
    {
        if (Interlocked.Exchange(ref _isFinished, 1) == 0)
        {
            if (_isProposed)
            {
                Flow!.CountProposed(-1, -Command.Length);
            }

            Complete(result);
        }
    }

    /// <summary>
    /// Announces that the answer is available. May be called more than once. As with <see cref="Complete"/>, it must
    /// not block.
    /// </summary>
    public virtual void Announce()
    {
    }

    /// <summary>
    /// Called once, from a replication thread: it must not block, do I/O, or throw. Callers use <see cref="Finish"/>.
    /// </summary>
    protected abstract void Complete(in CommandResult result);
}
