using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that this node answers from what it knows, at once.</summary>
internal abstract class NodeMethod<TRequest, TResponse>(string name, KvBackend backend) : RpcMethod(name)
    where TRequest : class, TBase, new()
    where TResponse : TBase
{
    protected KvBackend Backend { get; } = backend;

    public sealed override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        var request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        if (direct is null)
        {
            return new NodeCall(this, in message, request);
        }
        var code = WriteAnswer(direct, message.SequenceId, request);
        Backend.Statistics.Record(this, code, message.ReceivedTimestamp);
        return null;
    }

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refuse(in refusal));

    protected abstract (TResponse Response, ErrorCode Code) Answer(TRequest request);

    protected abstract TResponse Refuse(in Refusal refusal);

    private ErrorCode WriteAnswer(AnswerWriter output, int sequenceId, TRequest request)
    {
        TResponse response;
        ErrorCode code;
        try
        {
            (response, code) = Answer(request);
        }
        catch (Exception exception)
        {
            (response, code) = (Refuse(Backend.Failed(this, exception)), ErrorCode.INTERNAL);
        }
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
        return code;
    }

    private sealed class NodeCall(NodeMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request)
        : PendingCall(method, in message)
    {
        public override ErrorCode WriteAnswer(AnswerWriter output) => method.WriteAnswer(output, SequenceId, request);

        protected override void Begin() => MarkReady();
    }
}
