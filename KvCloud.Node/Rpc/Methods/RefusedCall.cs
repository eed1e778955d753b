using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that only answers with an error.</summary>
internal sealed class RefusedCall(RpcMethod method, in RequestMessage message, in Refusal refusal)
    : PendingCall(method, in message)
{
    private readonly Refusal _refusal = refusal;

    public Refusal Refusal => _refusal;

    public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
    {
        Method.WriteRefusal(output, SequenceId, in _refusal);
        code = _refusal.Code;
        return true;
    }
}
