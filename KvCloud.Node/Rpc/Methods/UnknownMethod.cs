using System.Text;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Answers what no method of the contract can: an unknown name, or arguments that are none.</summary>
internal sealed class UnknownMethod() : RpcMethod("unknown")
{
    public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct) =>
        Dispatch(in message, direct, TApplicationException.ExceptionType.UnknownMethod,
            $"Invalid method name: '{Encoding.UTF8.GetString(message.MethodName)}'");

    public IPendingCall? Dispatch(
        in RequestMessage message, AnswerWriter? direct, TApplicationException.ExceptionType type, string text)
    {
        if (direct is null)
        {
            return new ExceptionCall(this, in message, type, text);
        }

        ThriftCodec.Current.WriteException(direct, message.MethodName, message.SequenceId, type, text);
        return null;
    }

    public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteException(
            output, NameUtf8, sequenceId, TApplicationException.ExceptionType.InternalError, refusal.Message);

    private sealed class ExceptionCall(
        RpcMethod method, in RequestMessage message, TApplicationException.ExceptionType type, string text)
        : PendingCall(method, in message)
    {
        private readonly byte[] _name = message.MethodName.ToArray();

        protected override ErrorCode WriteAnswer(AnswerWriter output)
        {
            ThriftCodec.Current.WriteException(output, _name, SequenceId, type, text);
            return ErrorCode.INVALID_ARGUMENT;
        }

        protected override void Begin() => MarkReady();
    }
}
