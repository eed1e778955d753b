using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>What the methods of the contract work with.</summary>
internal sealed partial class KvBackend(
    RoutingManager routing,
    KvReader reader,
    Func<ClusterView> view,
    RpcOptions options,
    RpcStatistics statistics,
    IReplicaClock clock,
    ILogger<KvBackend> logger)
{
    private readonly byte[]? _tokenHash =
        string.IsNullOrEmpty(options.AdminToken) ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.AdminToken));

    public RoutingManager Routing => routing;

    public KvReader Reader => reader;

    public ClusterView View => view();

    public RpcOptions Options => options;

    public RpcStatistics Statistics => statistics;

    /// <summary>The clock of deadlines, which routing and replication reckon by too.</summary>
    public IReplicaClock Clock => clock;

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> by which a call must be answered whose client waits so long, or does not say.
    /// </summary>
    public long DeadlineAfter(long? timeoutMs) =>
        clock.NowMs + Math.Min(timeoutMs ?? options.Limits.DefaultTimeoutMs, options.Limits.MaxTimeoutMs);

    /// <summary>Asks routing whether a read may look into the store, as the operation's class has it.</summary>
    public ValueTask<ReadAdmission> AdmitAsync(
        KvOperation operation, in RequestParameters parameters, long deadlineMs) =>
        operation.IsAtVersion
            ? routing.AdmitReadAtAsync(
                new CommitVersion(parameters.ReadVersion.GetValueOrDefault()), deadlineMs, CancellationToken.None)
            : routing.AdmitReadAsync(
                parameters.Consistency?.ToRouting(), parameters.MaxStalenessMs, deadlineMs, CancellationToken.None);

    /// <summary>Null when the request needs no token, brings the right one, or none is configured.</summary>
    public Refusal? CheckToken<TRequest>(TRequest request) =>
        request is IAdminRequest admin ? CheckToken(admin.AuthToken) : null;

    /// <summary>A defect, or a store that cannot be read: the caller hears of it, the log has the rest.</summary>
    public Refusal Failed(RpcMethod method, Exception exception)
    {
        Log.Failed(logger, exception, method.Name);
        return new Refusal(ErrorCode.INTERNAL, $"{method.Name} failed: {exception.Message}");
    }

    private Refusal? CheckToken(string? token)
    {
        if (_tokenHash is null)
        {
            return null;
        }

        // Hashes have one length, so the time taken tells nothing of the token's.
        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(token ?? ""));
        return CryptographicOperations.FixedTimeEquals(given, _tokenHash)
            ? null
            : new Refusal(
                ErrorCode.UNAUTHENTICATED,
                string.IsNullOrEmpty(token) ? "auth_token is missing" : "auth_token is wrong");
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Call {Method} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string method);
    }
}
