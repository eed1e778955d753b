using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// atomicCommit. A commit that changes nothing needs no consensus: its reads were all of read_version, so it is
/// serialized there.
/// </summary>
internal sealed class AtomicCommitMethod(KvBackend backend)
    : ThriftWriteMethod<AtomicCommitRequest, AtomicCommitResponse>("atomicCommit", backend)
{
    public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        AtomicCommitRequest request = ThriftCodec.Current.ReadRequest<AtomicCommitRequest>(in message);
        if (!TryBuild(request, out KvCommand? command, out Refusal refusal))
        {
            return Backend.Refuse(this, in message, direct, in refusal);
        }

        // A version that this replica has not applied may have been issued all the same: the leader knows.
        if (!OperationClassifier.MustGoThroughConsensus(command) && request.ReadVersion <= Backend.Reader.AppliedVersion.Value)
        {
            return AnswerReadOnly(in message, direct, request.ReadVersion, command);
        }

        return Propose(in message, direct, command, TimeoutMsOf(request));
    }

    /// <summary>By the contract an absent timeout_seconds means 60, and the generated code fills that in.</summary>
    protected override long? TimeoutMsOf(AtomicCommitRequest request) =>
        request.__isset.timeout_ms ? request.TimeoutMs
        : request.TimeoutSeconds <= 0 ? request.TimeoutSeconds
        : Math.Min(request.TimeoutSeconds, int.MaxValue) * 1_000;

    protected override bool TryBuild(AtomicCommitRequest request, out KvCommand command, out Refusal refusal)
    {
        command = EmptyCommit;
        if (!TryGetIdentity(
                request.__isset.client_id ? request.ClientId : null,
                request.__isset.sequence ? request.Sequence : null,
                request.__isset.acknowledged_below ? request.AcknowledgedBelow : null,
                out RequestIdentity? identity, out refusal)
            || !TryGetMutations(request.Operations ?? [], out Mutation[]? mutations, out refusal))
        {
            return false;
        }

        command = new CommitCommand(
            new CommitVersion(request.ReadVersion), mutations, ConflictKeysOf(request), ConflictRangesOf(request))
        {
            Identity = identity,
        };
        return true;
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

    protected override AtomicCommitResponse Refuse(in Refusal refusal)
    {
        var response = new AtomicCommitResponse(false)
        {
            Error = refusal.Message,
            ErrorCode = refusal.ErrorCodeText,
            Code = refusal.Code,
        };
        if (refusal.LeaderEndpoint is { } leader)
        {
            response.LeaderEndpoint = leader;
        }

        return response;
    }

    private static CommitCommand EmptyCommit => new(CommitVersion.Zero, [], [], []);

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
                refusal = new Refusal(ErrorCode.INVALID_OPERATION, $"operation {index}: {operation.Type} needs a value");
                return false;
            }

            // A delete's value means nothing, and must not count.
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

    private IPendingCall? AnswerReadOnly(
        in RequestMessage message, AnswerWriter? direct, long readVersion, KvCommand command)
    {
        if (CommandValidator.Validate(command) is { } invalid)
        {
            return Backend.Refuse(this, in message, direct, Refusal.Of(in invalid));
        }

        var result = new CommandResult(KvStatus.Ok, new CommitVersion(readVersion));
        if (direct is null)
        {
            return new ReadOnlyCommit(this, in message, result);
        }

        WriteSuccess(direct, message.SequenceId, in result);
        Backend.Statistics.Record(this, ErrorCode.OK, message.ReceivedTimestamp);
        return null;
    }

    private sealed class ReadOnlyCommit(AtomicCommitMethod method, in RequestMessage message, CommandResult result)
        : PendingCall(method, in message)
    {
        protected override ErrorCode WriteAnswer(AnswerWriter output)
        {
            method.WriteSuccess(output, SequenceId, in result);
            return ErrorCode.OK;
        }

        protected override void Begin() => MarkReady();
    }
}
