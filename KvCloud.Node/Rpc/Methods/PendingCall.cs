using System.Diagnostics;
using KvCloud.Node.History;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Base of all calls except writes, which have another base. Not overridden, it is a call whose answer is known at
/// dispatch.
/// </summary>
internal abstract class PendingCall : IPendingCall
{
    private CallTicket _ticket;

    protected PendingCall(RpcMethod method, in RequestMessage message)
    {
        Method = method;
        Renew(in message);
    }

    public RpcMethod Method { get; }

    public long ReceivedTimestamp { get; private set; }

    public int ChargedBytes { get; set; }

    public RpcFlow? Charged { get; set; }

    public Activity? Span { get; set; }

    public bool IsReady => _ticket.IsReady;

    public virtual IEnumerable<CallKey> Keys => [];

    protected int SequenceId { get; private set; }

    /// <summary>See <see cref="RequestMessage.IsConfirmed"/>.</summary>
    protected bool IsConfirmed { get; private set; }

    /// <summary>Whether the call has nothing to wait for.</summary>
    protected virtual bool CanAnswerNow => true;

    public void Start(CallQueue queue, long index)
    {
        _ticket.Take(queue, index);
        Begin();
    }

    public virtual bool TryAnswerNow(AnswerWriter output, out ErrorCode code)
    {
        code = default;
        return CanAnswerNow && TryWriteAnswer(output, out code);
    }

    public abstract bool TryWriteAnswer(AnswerWriter output, out ErrorCode code);

    /// <summary>
    /// Starts the call, which has to wait: copies what it needs of the request message. <see cref="MarkReady"/> must be
    /// called exactly once afterwards.
    /// </summary>
    protected virtual void Begin() => MarkReady();

    /// <summary>Reuses this object, which never waited, for the next call of its method.</summary>
    protected void Renew(in RequestMessage message)
    {
        ReceivedTimestamp = message.ReceivedTimestamp;
        SequenceId = message.SequenceId;
        IsConfirmed = message.IsConfirmed;
    }

    protected void MarkReady(bool isAlone = false)
    {
        _ticket.MarkReadyQuietly();
        _ticket.Announce(isAlone);
    }
}
