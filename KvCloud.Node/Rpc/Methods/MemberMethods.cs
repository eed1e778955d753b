using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>changeMembers: who the replicas are, and who of them leads.</summary>
internal sealed class ChangeMembers(KvBackend backend)
    : AnsweringMethod<ChangeMembersResponse>("changeMembers", OperationKind.Node, backend)
{
    private const int MaxEndpointBytes = 256;

    public override bool TakesToken => true;

    public override long? TimeoutOf(in RequestMessage message) =>
        GivenTimeoutMs(ThriftCodec.Current.ReadRequest<ChangeMembersRequest>(in message));

    public override IPendingCall Dispatch(in RequestMessage message)
    {
        ChangeMembersRequest request = ThriftCodec.Current.ReadRequest<ChangeMembersRequest>(in message);
        Refusal? refusal = Backend.CheckToken(Operation, in message, request, out Principal principal)
            ?? FindMistake(request);
        return refusal is { } refused
            ? Refuse(in message, refused)
            : new Call(this, in message, request, principal, message.Caller);
    }

    private static Refusal? FindMistake(ChangeMembersRequest request)
    {
        bool needsNode = request.Kind != MemberChangeKind.TRANSFER_LEADERSHIP;
        return !Enum.IsDefined(request.Kind) ? Refusal.InvalidArgument("kind is not known to this node")
            : needsNode && !request.__isset.node_id ? Refusal.InvalidArgument("node_id is missing")
            : request.__isset.node_id && request.NodeId < 0 ? Refusal.InvalidArgument("node_id is negative")
            : request.Kind == MemberChangeKind.REPLACE && !request.__isset.replaced_node_id
                ? Refusal.InvalidArgument("replaced_node_id is missing")
            : request.Kind is MemberChangeKind.ADD or MemberChangeKind.UPDATE && request.PeerEndpoint is null
                ? Refusal.InvalidArgument("peer_endpoint is missing")
            : IsNoEndpoint(request.PeerEndpoint) ? Refusal.InvalidArgument("peer_endpoint is no host:port")
            : IsNoEndpoint(request.ClientEndpoint) ? Refusal.InvalidArgument("client_endpoint is no host:port")
            : null;
    }

    private static bool IsNoEndpoint(string? endpoint) => endpoint is not null
        && (endpoint.Length > MaxEndpointBytes || !Configuration.HostPort.TryParse(endpoint, out _));

    private static MemberChange ChangeOf(ChangeMembersRequest request) => new(
        (MemberAction)(int)request.Kind,
        request.__isset.node_id ? new NodeId(request.NodeId) : null,
        request.__isset.replaced_node_id ? new NodeId(request.ReplacedNodeId) : null)
    {
        PeerEndpoint = request.PeerEndpoint,
        ClientEndpoint = request.ClientEndpoint,
        IsForced = request.Force,
    };

    private sealed class Call(
        ChangeMembers method,
        in RequestMessage message,
        ChangeMembersRequest request,
        Principal principal,
        Caller? caller)
        : PendingCall(method, in message)
    {
        private readonly long _deadlineMs = method.Backend.DeadlineAfter(GivenTimeoutMs(request), in message);

        private CommandResult _result;

        protected override bool CanAnswerNow => false;

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = Refusal.TryOf(in _result, out Refusal refusal)
                ? method.WriteRefused(output, SequenceId, in refusal)
                : method.Write(output, SequenceId, new ChangeMembersResponse(true));
            return true;
        }

        protected override void Begin() => method.Backend.Routing.Change(new Pending(this)
        {
            Change = ChangeOf(request),
            DeadlineMs = _deadlineMs,
        });

        private void Note(in CommandResult result) => method.Backend.Access.Audit.MembersChanged(
            principal,
            caller?.Remote ?? "",
            request.__isset.node_id ? $"{request.Kind} node {request.NodeId}" : $"{request.Kind}",
            result.Code.ToErrorName() ?? "done");

        private sealed class Pending(Call call) : PendingMemberChange
        {
            protected override void Complete(in CommandResult result)
            {
                call._result = result;
                call.Note(in result);
                call.MarkReady();
            }
        }
    }
}
