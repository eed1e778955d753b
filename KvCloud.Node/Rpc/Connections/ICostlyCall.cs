using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// A call whose answer may visit many keys. What is quickly read is answered as any other call is; the rest is read by
/// the <see cref="ScanPool"/>, a time slice at a time. One thread at a time: the holder of the output lock.
/// </summary>
internal interface ICostlyCall : IPendingCall
{
    /// <summary>Works on the answer for one time slice. Must not throw.</summary>
    ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code);

    /// <summary>Answers that a limit of this node, which <paramref name="fullLimit"/> names, is full.</summary>
    ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit);

    /// <summary>
    /// Nobody waits for the answer any more: what the call holds is released. More than once does no harm.
    /// </summary>
    void Drop();
}

internal enum ScanProgress
{
    /// <summary>The time slice is over, the answer is not there.</summary>
    Unfinished,

    /// <summary>The answer is written.</summary>
    Answered,

    /// <summary>The client is gone: there will be no answer.</summary>
    Unwanted,
}

/// <summary>What a costly call may know and take during its time slice.</summary>
internal interface IScanSlice
{
    /// <summary>Whether the client closed the connection. Costs a system call.</summary>
    bool IsUnwanted { get; }

    /// <summary>
    /// Charges so many bytes of the answer, until it is sent or given up; if there is no room, the limit that is full,
    /// for people.
    /// </summary>
    bool TryHold(long bytes, out string? fullLimit);
}
