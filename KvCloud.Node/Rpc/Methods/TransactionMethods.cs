using KvCloud.Node.Operations;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>setVersionstampedKey and setVersionstampedValue: transactions of one operation; atomicCommit.</summary>
internal static class TransactionMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
        [new AtomicCommitMethod(backend), new SetVersionstampedKey(backend), new SetVersionstampedValue(backend)];

    private static CommitCommand Single(Mutation mutation, RequestIdentity? identity) =>
        new(CommitVersion.Zero, [mutation], [], []) { Identity = identity };

    private sealed class SetVersionstampedKey(KvBackend backend)
        : ThriftWriteMethod<SetVersionstampedKeyRequest, SetVersionstampedKeyResponse>("setVersionstampedKey", backend)
    {
        protected override long? TimeoutMsOf(SetVersionstampedKeyRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override bool TryBuild(SetVersionstampedKeyRequest request, out KvCommand command, out Refusal refusal)
        {
            bool isSound = TryGetIdentity(
                request.__isset.client_id ? request.ClientId : null,
                request.__isset.sequence ? request.Sequence : null,
                request.__isset.acknowledged_below ? request.AcknowledgedBelow : null,
                out RequestIdentity? identity, out refusal);
            command = Single(
                new Mutation(MutationKind.SetVersionstampedKey, request.ColumnFamily, request.KeyPrefix, request.Value),
                identity);
            return isSound;
        }

        protected override SetVersionstampedKeyResponse Answer(in CommandResult result) =>
            new(result.Generated?[0] ?? [], true) { Version = result.Version.Value };

        protected override SetVersionstampedKeyResponse Refuse(in Refusal refusal)
        {
            var response = new SetVersionstampedKeyResponse([], false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }

    private sealed class SetVersionstampedValue(KvBackend backend)
        : ThriftWriteMethod<SetVersionstampedValueRequest, SetVersionstampedValueResponse>(
            "setVersionstampedValue", backend)
    {
        protected override long? TimeoutMsOf(SetVersionstampedValueRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override bool TryBuild(
            SetVersionstampedValueRequest request, out KvCommand command, out Refusal refusal)
        {
            bool isSound = TryGetIdentity(
                request.__isset.client_id ? request.ClientId : null,
                request.__isset.sequence ? request.Sequence : null,
                request.__isset.acknowledged_below ? request.AcknowledgedBelow : null,
                out RequestIdentity? identity, out refusal);
            command = Single(
                new Mutation(MutationKind.SetVersionstampedValue, request.ColumnFamily, request.Key, request.ValuePrefix),
                identity);
            return isSound;
        }

        protected override SetVersionstampedValueResponse Answer(in CommandResult result) =>
            new(result.Generated?[0] ?? [], true) { Version = result.Version.Value };

        protected override SetVersionstampedValueResponse Refuse(in Refusal refusal)
        {
            var response = new SetVersionstampedValueResponse([], false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }
}
