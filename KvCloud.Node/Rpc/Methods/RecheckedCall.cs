using System.Diagnostics;
using KvCloud.Node.Access;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A call that the users and roles known here refuse. They may be behind: the user may have been made, or the right
/// given, a moment ago through another replica. So the call keeps its place among those of its connection, and is
/// dispatched again, as a whole, once this replica has applied a read index that was begun after it came. From then on
/// it is whatever came of that.
/// </summary>
internal sealed class RecheckedCall(
    RpcMethod method,
    in RequestMessage message,
    Denial denial,
    KvBackend backend,
    long deadlineMs,
    Func<RpcMethod, RequestMessage, Activity?, IPendingCall> dispatch)
    : ICostlyCall
{
    private readonly RequestMessage _message = message.Copy();
    private readonly long _beganMs = backend.Clock.NowMs;
    private volatile IPendingCall? _call;
    private volatile bool _isDropped;

    public RpcMethod Method => method;

    public long ReceivedTimestamp { get; } = message.ReceivedTimestamp;

    public int ChargedBytes { get; set; }

    public RpcFlow? Charged { get; set; }

    public Activity? Span { get; set; }

    public IEnumerable<CallKey> Keys => _call?.Keys ?? [];

    public bool IsReady => _call is { IsReady: true };

    public long DeadlineMs => (_call as ICostlyCall)?.DeadlineMs ?? long.MaxValue;

    public bool IsAdministrative => (_call as ICostlyCall)?.IsAdministrative == true;

    public bool TryAnswerNow(AnswerWriter output, out ErrorCode code)
    {
        code = default;
        return false;
    }

    public void Start(CallQueue queue, long index) => _ = RunAsync(queue, index);

    public bool TryWriteAnswer(AnswerWriter output, out ErrorCode code) => _call!.TryWriteAnswer(output, out code);

    public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code) =>
        ((ICostlyCall)_call!).Advance(slice, output, out code);

    public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit) =>
        ((ICostlyCall)_call!).WriteOverloaded(output, fullLimit);

    public void Drop()
    {
        _isDropped = true;
        (_call as ICostlyCall)?.Drop();
    }

    /// <summary>Never throws: nobody waits for the task but the answer.</summary>
    private async Task RunAsync(CallQueue queue, long index)
    {
        try
        {
            var left = TimeSpan.FromMilliseconds(Math.Max(0, deadlineMs - _beganMs));
            ReadIndexOutcome confirmed = await backend.Access.ConfirmAsync(left).ConfigureAwait(false);
            if (_isDropped)
            {
                return;
            }

            IPendingCall call = confirmed.Code == KvStatus.Ok
                ? dispatch(method, _message.Confirmed(backend.Clock.NowMs - _beganMs), Span)
                : RefuseUnconfirmed(in confirmed);
            Become(call, queue, index);
        }
        catch (Exception exception)
        {
            Become(method.Refuse(in _message, backend.Failed(method, exception)), queue, index);
        }
    }

    private RefusedCall RefuseUnconfirmed(in ReadIndexOutcome confirmed)
    {
        var refusal = Refusal.OfUnconfirmed(confirmed.Code.ToErrorCode(), confirmed.Message, denial);
        backend.Access.Note(in refusal);
        return method.Refuse(in _message, in refusal);
    }

    /// <summary>The call reports to the queue in this one's place.</summary>
    private void Become(IPendingCall call, CallQueue queue, long index)
    {
        call.ChargedBytes = ChargedBytes;
        call.Charged = Charged;
        call.Span = Span;
        _call = call;
        call.Start(queue, index);
    }
}
