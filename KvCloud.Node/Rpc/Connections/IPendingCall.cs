using System.Diagnostics;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// A call that is dispatched and not answered. Its connection answers it at once by <see cref="TryAnswerNow"/>, or has
/// it wait in its <see cref="CallQueue"/>.
/// </summary>
/// <remarks>
/// Reads wait as questions, not as answers: the store is asked when the answer is written, so what a client that is
/// slow to read its answers makes this node hold is requests, which are small and counted.
/// </remarks>
internal interface IPendingCall
{
    RpcMethod Method { get; }

    /// <summary>Stopwatch timestamp of when the call came in.</summary>
    long ReceivedTimestamp { get; }

    /// <summary>What the call was charged with in the <see cref="RpcBudget"/>; set by the connection.</summary>
    int ChargedBytes { get; set; }

    /// <summary>Its server span, which ends with its answer; null where it is not traced.</summary>
    Activity? Span { get; set; }

    /// <summary>Whether <see cref="TryWriteAnswer"/> may be called. Never goes back to false.</summary>
    bool IsReady { get; }

    /// <summary>
    /// Answers without a place in the queue; false, with nothing written, where there is something to wait for. The
    /// object is not touched again where it returns true. Called by the holder of the output lock, while the message
    /// is still there. Must not throw.
    /// </summary>
    bool TryAnswerNow(AnswerWriter output, out ErrorCode code);

    /// <summary>
    /// Sets the call going, now that it has its place; when ready it tells <paramref name="queue"/>. The message is
    /// still there, and will not be for long.
    /// </summary>
    void Start(CallQueue queue, long index);

    /// <summary>
    /// Writes the answer. False, with nothing written, from an <see cref="ICostlyCall"/> alone. Called by the holder
    /// of the output lock. Must not throw.
    /// </summary>
    bool TryWriteAnswer(AnswerWriter output, out ErrorCode code);
}
