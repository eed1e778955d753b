using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// atomicCommit. A commit without mutations needs no consensus: all its reads were at read_version, so it is serialized
/// there.
/// </summary>
internal sealed class AtomicCommitMethod(KvBackend backend)
    : ThriftWriteMethod<AtomicCommitRequest, AtomicCommitResponse>("atomicCommit", backend)
{
    protected override bool TryBuild(
        AtomicCommitRequest request, RequestIdentity? identity, out KvCommand command, out Refusal refusal)
    {
        bool isSound = TryGetMutations(request.Operations ?? [], out Mutation[] mutations, out refusal);
        command = new CommitCommand(
            new CommitVersion(request.ReadVersion), mutations, ConflictKeysOf(request), ConflictRangesOf(request))
        {
            Identity = identity,
        };
        return isSound;
    }

    protected override IPendingCall CallFor(
        in RequestMessage message, AtomicCommitRequest request, KvCommand command, Principal principal)
    {
        // This replica cannot tell whether a version beyond its applied one was issued; the leader can.
        if (OperationClassifier.MustGoThroughConsensus(command)
            || request.ReadVersion > Backend.Reader.AppliedVersion.Value)
        {
            return base.CallFor(in message, request, command, principal);
        }

        // The answer is immediate, so the client's timeout does not matter.
        return RequestRules.Check(command, timeoutMs: null) is { } invalid
            ? Refuse(in message, invalid)
            : new ReadOnlyCommit(this, in message, new CommitVersion(request.ReadVersion));
    }

    protected override AtomicCommitResponse Answer(in CommandResult result)
    {
        var response = new AtomicCommitResponse(true) { CommittedVersion = result.Version.Value };
        if (result.Generated is { Count: > 0 } generated)
        {
            response.Generated = [.. generated];
        }

        return response;
    }

    private static bool TryGetMutations(List<Operation> operations, out Mutation[] mutations, out Refusal refusal)
    {
        refusal = default;
        mutations = new Mutation[operations.Count];
        for (int index = 0; index < mutations.Length; index++)
        {
            Operation operation = operations[index];
            MutationKind? kind = operation.Type switch
            {
                "set" => MutationKind.Set,
                "delete" => MutationKind.Delete,
                "SET_VERSIONSTAMPED_KEY" => MutationKind.SetVersionstampedKey,
                "SET_VERSIONSTAMPED_VALUE" => MutationKind.SetVersionstampedValue,
                _ => null,
            };
            if (kind is null)
            {
                refusal = new Refusal(ErrorCode.INVALID_OPERATION,
                    $"operation {index}: unknown type '{Shortened(operation.Type)}', known are set, delete,"
                    + " SET_VERSIONSTAMPED_KEY and SET_VERSIONSTAMPED_VALUE");
                return false;
            }

            if (kind != MutationKind.Delete && operation.Value is null)
            {
                refusal = new Refusal(
                    ErrorCode.INVALID_OPERATION, $"operation {index}: {operation.Type} needs a value");
                return false;
            }

            // A delete carries no value; ignore one that was sent, so that it does not count towards the size.
            ReadOnlyMemory<byte> value = kind == MutationKind.Delete ? default(ReadOnlyMemory<byte>) : operation.Value;
            mutations[index] = new Mutation(kind.Value, operation.ColumnFamily, operation.Key, value);
        }

        return true;
    }

    private static ConflictKey[] ConflictKeysOf(AtomicCommitRequest request) =>
    [
        .. (request.ReadConflictKeys ?? []).Select(key => new ConflictKey(null, key)),
        .. (request.ReadConflicts ?? []).Select(conflict => new ConflictKey(conflict.ColumnFamily, conflict.Key)),
    ];

    private static ConflictRange[] ConflictRangesOf(AtomicCommitRequest request) =>
    [
        .. (request.ReadConflictRanges ?? []).Select(range => new ConflictRange(
            range.ColumnFamily, range.BeginKey, Ranges.End(range.EndKey, toEndOfKeyspace: true))),
    ];

    private static string Shortened(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private sealed class ReadOnlyCommit(AtomicCommitMethod method, in RequestMessage message, CommitVersion version)
        : PendingCall(method, in message)
    {
        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            method.WriteSuccess(output, SequenceId, new CommandResult(KvStatus.Ok, version));
            code = ErrorCode.OK;
            return true;
        }
    }
}
