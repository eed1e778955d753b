using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// A call whose answer may visit many keys. If a short read suffices it is answered like any other call; otherwise the
/// <see cref="ScanPool"/> reads it, one time slice after another. Used by one thread at a time, the holder of the
/// output lock.
/// </summary>
internal interface ICostlyCall : IPendingCall
{
    /// <summary>
    /// Past this time of <see cref="IReplicaClock.NowMs"/> a time slice answers TIMEOUT; without a deadline it never
    /// does.
    /// </summary>
    long DeadlineMs => long.MaxValue;

    /// <summary>
    /// Whether it is an operator's, such as those of a backup, which have a rate of their own: it waits for no rate or
    /// pace of its caller, and counts for no pace.
    /// </summary>
    bool IsAdministrative => false;

    /// <summary>Works on the answer for one time slice. Must not throw.</summary>
    ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code);

    /// <summary>Writes the answer OVERLOADED, which names the limit of this node that is full.</summary>
    ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit);

    /// <summary>Releases what the call holds; nobody waits for its answer any more. Idempotent.</summary>
    void Drop();
}

internal enum ScanProgress
{
    /// <summary>The time slice ended before the answer was complete.</summary>
    Unfinished,

    /// <summary>The answer is written.</summary>
    Answered,

    /// <summary>The client is gone; there will be no answer.</summary>
    Cancelled,
}

/// <summary>What a costly call may ask for during its time slice.</summary>
internal interface IScanSlice
{
    /// <summary>Whether the client closed the connection. Costs a system call.</summary>
    bool IsCancelled { get; }

    /// <summary>
    /// Charges bytes of the answer until they are sent or dropped. If there is no room, names the full limit for the
    /// error message.
    /// </summary>
    bool TryHold(long bytes, out string? fullLimit);
}
