using System.Diagnostics.CodeAnalysis;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that is not carried out and waits for its turn to say so; an injected fault waits longer.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The timer is disposed with the answer, or dies when it has fired.")]
internal sealed class RefusedCall(RpcMethod method, in RequestMessage message, Refusal refusal, int delayMs = 0)
    : PendingCall(method, in message)
{
    private Timer? _timer;

    protected override ErrorCode WriteAnswer(AnswerWriter output)
    {
        _timer?.Dispose();
        Method.WriteRefusal(output, SequenceId, in refusal);
        return refusal.Code;
    }

    protected override void Begin()
    {
        if (delayMs <= 0)
        {
            MarkReady();
            return;
        }

        _timer = new Timer(static call => ((RefusedCall)call!).MarkReady(), this, Timeout.Infinite, Timeout.Infinite);
        _timer.Change(delayMs, Timeout.Infinite);
    }
}
