using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using KvCloud.Node.Configuration;
using KvCloud.Node.Replacement;
using KvCloud.Node.Replication;
using KvCloud.Node.Tls;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport;
using Thrift.Transport.Client;

namespace KvCloud.Node.Rpc.Group;

/// <summary>
/// Calls the group through the port for clients, as an operator's tool does: whichever of the configured replicas
/// answers says who leads. A connection for each call, since there are few.
/// </summary>
/// <param name="certificates">Null where nothing speaks TLS.</param>
internal sealed class GroupClient(NodeTopology topology, NodeOptions options, CertificateStore? certificates)
    : IGroupCalls
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);
    private const int ChangeTimeoutMs = 5_000;
    private const string Healthy = "healthy";
    private const string Degraded = "degraded";
    private const string Learner = "learner";

    private string? _leader;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<SeenMember>> MembersAsync(CancellationToken cancellationToken)
    {
        string? reason = null;
        foreach (ReplicaEndpoints replica in topology.Replicas.Where(replica => replica.NodeId != topology.SelfId))
        {
            try
            {
                if (await HealthOfLeaderAsync(replica.ClientEndpoint, cancellationToken) is ClusterHealth health)
                {
                    return
                    [
                        .. health.Nodes!.Select(node => new SeenMember(
                            node.NodeId,
                            node.MemberRole != Learner,
                            node.Status is Healthy or Degraded,
                            node.PeerEndpoint ?? "")),
                    ];
                }

                reason ??= "no leader is known";
            }
            catch (GroupCallException error)
            {
                reason ??= error.Message;
            }
        }

        throw new GroupCallException($"the group cannot be asked: {reason ?? "no other replica is configured"}");
    }

    /// <inheritdoc/>
    public async Task ChangeAsync(MemberChange change, CancellationToken cancellationToken)
    {
        var request = new ChangeMembersRequest((MemberChangeKind)(int)change.Kind)
        {
            AuthToken = ReadToken(),
            TimeoutMs = ChangeTimeoutMs,
        };
        if (change.Node is { } node)
        {
            request.NodeId = node.Value;
        }

        if (change.Replaced is { } replaced)
        {
            request.ReplacedNodeId = replaced.Value;
        }

        if (change.PeerEndpoint is not null)
        {
            request.PeerEndpoint = change.PeerEndpoint;
        }

        if (change.ClientEndpoint is not null)
        {
            request.ClientEndpoint = change.ClientEndpoint;
        }

        ChangeMembersResponse answer = await CallAsync(
            _leader ?? throw new GroupCallException("no leader is known"),
            (calls, token) => calls.changeMembers(request, token),
            cancellationToken);
        RequireSuccess(answer.Success, answer.Code, answer.Error);
    }

    /// <summary>The members as the leader sees them; null if the replica that is asked knows none.</summary>
    private async Task<ClusterHealth?> HealthOfLeaderAsync(string endpoint, CancellationToken cancellationToken)
    {
        ClusterHealth health = await HealthAsync(endpoint, cancellationToken);
        if (health.Leader is { } leader && leader.NodeId != health.AnsweredBy)
        {
            endpoint = leader.Endpoint;
            health = await HealthAsync(endpoint, cancellationToken);
        }

        if (health.Leader?.NodeId != health.AnsweredBy)
        {
            return null;
        }

        _leader = endpoint;
        return health;
    }

    private async Task<ClusterHealth> HealthAsync(string endpoint, CancellationToken cancellationToken)
    {
        var request = new GetClusterHealthRequest { AuthToken = ReadToken() };
        GetClusterHealthResponse answer = await CallAsync(
            endpoint, (calls, token) => calls.getClusterHealth(request, token), cancellationToken);
        RequireSuccess(answer.Success, answer.Code, answer.Error);
        return answer.ClusterHealth!;
    }

    private static void RequireSuccess(bool isSuccess, ErrorCode code, string? error)
    {
        if (!isSuccess)
        {
            throw new GroupCallException(code is ErrorCode.UNAUTHENTICATED or ErrorCode.PERMISSION_DENIED
                ? $"the group refuses: {error} (deployment.replacement_token_file)"
                : $"the group refuses: {error}");
        }
    }

    private async Task<T> CallAsync<T>(
        string endpoint, Func<TransactionalKV.Client, CancellationToken, Task<T>> call, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(CallTimeout);
        try
        {
            using var socket = new TcpClient { NoDelay = true };
            HostPort address = HostPort.TryParse(endpoint, out HostPort? parsed)
                ? parsed
                : throw new GroupCallException($"\"{endpoint}\" is not host:port");
            await socket.ConnectAsync(address.Host, address.Port, limit.Token);
            await using Stream stream = await SecureAsync(socket.GetStream(), limit.Token);
            using var transport = new TStreamTransport(stream, stream, new TConfiguration());
            using var calls = new TransactionalKV.Client(new TBinaryProtocol(new TBufferedTransport(transport)));
            return await call(calls, limit.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            throw new GroupCallException($"{endpoint} does not answer within {CallTimeout.TotalSeconds} s");
        }
        catch (Exception error) when (
            error is SocketException or IOException or AuthenticationException or TException)
        {
            throw new GroupCallException($"{endpoint} does not answer: {error.Message}", error);
        }
    }

    /// <summary>Speaks TLS where this node's own port does: the others' are set as it is.</summary>
    private async Task<Stream> SecureAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        if (certificates is null || certificates.Options.Clients == TlsMode.Off)
        {
            return stream;
        }

        var secured = new SslStream(stream);
        await secured.AuthenticateAsClientAsync(NodeClientTls.OptionsOf(certificates), cancellationToken);
        return secured;
    }

    /// <summary>Read for each call: it may be made, or made anew, while this node runs.</summary>
    private string? ReadToken()
    {
        if (options.Deployment.ReplacementTokenFile is not { Length: > 0 } path)
        {
            return options.Security.AuthToken;
        }

        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GroupCallException(
                $"the file of deployment.replacement_token_file cannot be read: {error.Message}", error);
        }
    }
}
