using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Writes of one key, setKey and deleteKey, with hand-written request and answer codecs.</summary>
internal static class WriteMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) => [new SetKey(backend), new DeleteKey(backend)];

    private abstract class PointWrite(string name, KvBackend backend) : WriteMethod(name, backend)
    {
        public sealed override long? TimeoutOf(in RequestMessage message) => Read(in message).TimeoutMs;

        public sealed override IPendingCall Dispatch(in RequestMessage message)
        {
            PointCodec.SetArguments arguments = Read(in message);
            if (RequestRules.CheckIdentity(arguments.ClientId, arguments.Sequence) is { } invalid)
            {
                return Refuse(in message, invalid);
            }

            RequestIdentity? identity = IdentityOf(
                arguments.ClientId, arguments.Sequence, arguments.AcknowledgedBelow);
            KvCommand command = CommandOf(in arguments, identity);
            return Admit(message.Caller, message.Caller?.Principal ?? Principal.Anonymous, ref command) is { } denied
                ? Refuse(in message, in denied)
                : NewCall(in message, command, arguments.TimeoutMs);
        }

        public sealed override void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result) =>
            PointCodec.WriteDoneAnswer(output, NameUtf8, sequenceId, result.Version.Value);

        protected abstract PointCodec.SetArguments Read(in RequestMessage message);

        protected abstract KvCommand CommandOf(in PointCodec.SetArguments arguments, RequestIdentity? identity);
    }

    private sealed class SetKey(KvBackend backend) : PointWrite("setKey", backend)
    {
        protected override PointCodec.SetArguments Read(in RequestMessage message) => PointCodec.ReadSet(in message);

        protected override KvCommand CommandOf(in PointCodec.SetArguments arguments, RequestIdentity? identity) =>
            new SetCommand(arguments.ColumnFamily, arguments.Key, arguments.Value) { Identity = identity };

        protected override TBase NewAnswer() => new SetResponse();
    }

    private sealed class DeleteKey(KvBackend backend) : PointWrite("deleteKey", backend)
    {
        protected override PointCodec.SetArguments Read(in RequestMessage message) =>
            PointCodec.ReadDelete(in message);

        protected override KvCommand CommandOf(in PointCodec.SetArguments arguments, RequestIdentity? identity) =>
            new DeleteCommand(arguments.ColumnFamily, arguments.Key) { Identity = identity };

        protected override TBase NewAnswer() => new DeleteResponse();
    }
}
