using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Writes of one key: setKey and deleteKey, read and answered by hand.</summary>
internal static class WriteMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) => [new SetKey(backend), new DeleteKey(backend)];

    private sealed class SetKey(KvBackend backend) : WriteMethod("setKey", backend)
    {
        public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
        {
            PointCodec.SetArguments arguments = PointCodec.ReadSet(in message);
            return TryGetIdentity(arguments.ClientId, arguments.Sequence, arguments.AcknowledgedBelow,
                out RequestIdentity? identity, out Refusal refusal)
                ? Propose(in message, direct,
                    new SetCommand(arguments.ColumnFamily, arguments.Key, arguments.Value) { Identity = identity },
                    arguments.TimeoutMs)
                : Backend.Refuse(this, in message, direct, refusal);
        }

        public override void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result) =>
            PointCodec.WriteDoneAnswer(output, NameUtf8, sequenceId, result.Version.Value);

        public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
        {
            var response = new SetResponse(false)
            {
                Error = refusal.Message,
                ErrorCode = refusal.ErrorCodeText,
                Code = refusal.Code,
            };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
        }
    }

    private sealed class DeleteKey(KvBackend backend) : WriteMethod("deleteKey", backend)
    {
        public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
        {
            PointCodec.SetArguments arguments = PointCodec.ReadDelete(in message);
            return TryGetIdentity(arguments.ClientId, arguments.Sequence, arguments.AcknowledgedBelow,
                out RequestIdentity? identity, out Refusal refusal)
                ? Propose(in message, direct,
                    new DeleteCommand(arguments.ColumnFamily, arguments.Key) { Identity = identity },
                    arguments.TimeoutMs)
                : Backend.Refuse(this, in message, direct, refusal);
        }

        public override void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result) =>
            PointCodec.WriteDoneAnswer(output, NameUtf8, sequenceId, result.Version.Value);

        public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
        {
            var response = new DeleteResponse(false)
            {
                Error = refusal.Message,
                ErrorCode = refusal.ErrorCodeText,
                Code = refusal.Code,
            };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
        }
    }
}
