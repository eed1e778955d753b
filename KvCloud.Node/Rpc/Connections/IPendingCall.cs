using System.Diagnostics;
using KvCloud.Node.History;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// A call that is dispatched and not answered yet. Its connection answers it immediately with
/// <see cref="TryAnswerNow"/> or puts it into its <see cref="CallQueue"/>.
/// </summary>
/// <remarks>
/// A waiting read holds its request, not its answer: the store is read when the answer is written. A client that reads
/// its answers slowly therefore makes this node hold only requests, which are small and limited in number.
/// </remarks>
internal interface IPendingCall
{
    RpcMethod Method { get; }

    /// <summary>Stopwatch timestamp of the call's arrival.</summary>
    long ReceivedTimestamp { get; }

    /// <summary>The bytes charged for the call to the <see cref="RpcBudget"/>; set by the connection.</summary>
    int ChargedBytes { get; set; }

    /// <summary>Whom it is charged to, with the node; set by the connection.</summary>
    RpcFlow? Charged { get; set; }

    /// <summary>The call's server span, which ends with its answer; null if the call is not traced.</summary>
    Activity? Span { get; set; }

    /// <summary>
    /// The keys that the request names; of a range its begin. Only asked of a call that was slow or is sampled, at once
    /// after it was answered.
    /// </summary>
    IEnumerable<CallKey> Keys => [];

    /// <summary>Whether <see cref="TryWriteAnswer"/> may be called. Never goes back to false.</summary>
    bool IsReady { get; }

    /// <summary>
    /// Answers the call without queuing it; returns false, with nothing written, if it has to wait for something. The
    /// caller does not touch the object after true once this thread has dispatched another call. Called by the holder
    /// of the output lock while the request message is still valid. Must not throw.
    /// </summary>
    bool TryAnswerNow(AnswerWriter output, out ErrorCode code);

    /// <summary>
    /// Starts the call, which now has its place in <paramref name="queue"/> and reports there when it is ready. The
    /// request message is valid only until this returns.
    /// </summary>
    void Start(CallQueue queue, long index);

    /// <summary>
    /// Writes the answer. Only an <see cref="ICostlyCall"/> may return false, with nothing written. Called by the
    /// holder of the output lock. Must not throw.
    /// </summary>
    bool TryWriteAnswer(AnswerWriter output, out ErrorCode code);
}
