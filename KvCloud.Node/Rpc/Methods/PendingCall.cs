using System.Diagnostics;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>What calls in a connection's queue have in common, unless they are writes, which have a base already.</summary>
internal abstract class PendingCall(RpcMethod method, in RequestMessage message) : IPendingCall
{
    private CallTicket _ticket;

    public RpcMethod Method { get; } = method;

    public long ReceivedTimestamp { get; } = message.ReceivedTimestamp;

    public int ChargedBytes { get; set; }

    public Activity? Span { get; set; }

    public bool IsReady => _ticket.IsReady;

    protected int SequenceId { get; } = message.SequenceId;

    public void Start(CallQueue queue, long index)
    {
        _ticket.Take(queue, index);
        Begin();
    }

    public bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
    {
        code = WriteAnswer(output);
        return true;
    }

    /// <summary>
    /// Writes the answer and returns its code. Called once, by the holder of the output lock. Must not throw.
    /// </summary>
    protected abstract ErrorCode WriteAnswer(AnswerWriter output);

    /// <summary>Sets the call going; sooner or later <see cref="MarkReady"/> must be called, once.</summary>
    protected abstract void Begin();

    protected void MarkReady(bool isAlone = false)
    {
        _ticket.MarkReadyQuietly();
        _ticket.Announce(isAlone);
    }
}
