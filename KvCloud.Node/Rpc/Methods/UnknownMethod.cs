using System.Text;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Answers calls that no method of the contract can answer: an unknown name, or arguments of the wrong type.
/// </summary>
internal sealed class UnknownMethod() : RpcMethod(OperationClassifier.Unknown)
{
    public override IPendingCall Dispatch(in RequestMessage message) => new ExceptionCall(
        this, in message, TApplicationException.ExceptionType.UnknownMethod,
        $"Invalid method name: '{Encoding.UTF8.GetString(message.MethodName)}'");

    /// <summary>The arguments are not those of the method.</summary>
    public IPendingCall RefuseArguments(in RequestMessage message, ThriftContentException exception) =>
        new ExceptionCall(this, in message, TApplicationException.ExceptionType.ProtocolError, exception.Message);

    public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteException(
            output, NameUtf8, sequenceId, TApplicationException.ExceptionType.InternalError, refusal.Message);

    private sealed class ExceptionCall(
        RpcMethod method, in RequestMessage message, TApplicationException.ExceptionType type, string text)
        : PendingCall(method, in message)
    {
        private readonly byte[] _name = message.MethodName.ToArray();

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            ThriftCodec.Current.WriteException(output, _name, SequenceId, type, text);
            code = ErrorCode.INVALID_ARGUMENT;
            return true;
        }
    }
}
