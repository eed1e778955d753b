using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A write whose request and answer go through the generated code.</summary>
internal abstract class ThriftWriteMethod<TRequest, TResponse>(string name, KvBackend backend)
    : WriteMethod(name, backend)
    where TRequest : class, TBase, new()
    where TResponse : TBase
{
    public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        return TryBuild(request, out KvCommand? command, out Refusal refusal)
            ? Propose(in message, direct, command, TimeoutMsOf(request))
            : Backend.Refuse(this, in message, direct, refusal);
    }

    public override void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Answer(in result));

    public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refuse(in refusal));

    protected abstract long? TimeoutMsOf(TRequest request);

    /// <summary>The command that the request stands for, or what is wrong with it.</summary>
    protected abstract bool TryBuild(TRequest request, out KvCommand command, out Refusal refusal);

    protected abstract TResponse Answer(in CommandResult result);

    protected abstract TResponse Refuse(in Refusal refusal);
}
