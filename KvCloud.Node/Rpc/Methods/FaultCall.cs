using System.Diagnostics.CodeAnalysis;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that fails deliberately, after a delay.</summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "The timer is disposed with the answer, or dies when it has fired.")]
internal sealed class FaultCall(
    RpcMethod method, in RequestMessage message, in Refusal refusal, int delayMs, TimeProvider time)
    : PendingCall(method, in message)
{
    private readonly Refusal _refusal = refusal;
    private ITimer? _timer;

    protected override bool CanAnswerNow => delayMs <= 0;

    public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
    {
        _timer?.Dispose();
        Method.WriteRefusal(output, SequenceId, in _refusal);
        code = _refusal.Code;
        return true;
    }

    protected override void Begin()
    {
        if (CanAnswerNow)
        {
            MarkReady();
            return;
        }

        // Start the timer only after it is stored, because the answer disposes it.
        _timer = time.CreateTimer(
            static call => ((FaultCall)call!).MarkReady(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(TimeSpan.FromMilliseconds(delayMs), Timeout.InfiniteTimeSpan);
    }
}
