using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// What the methods of the contract share: routing, the store's reader, the cluster view, options and statistics.
/// </summary>
internal sealed partial class KvBackend(
    RoutingManager routing,
    KvReader reader,
    Func<ClusterView> view,
    RpcOptions options,
    RpcStatistics statistics,
    IReplicaClock clock,
    ILogger<KvBackend> logger,
    BackupReads? backups = null)
{
    private volatile bool _isDraining;
    private readonly byte[]? _tokenHash =
        string.IsNullOrEmpty(options.AdminToken) ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.AdminToken));

    public RoutingManager Routing => routing;

    public KvReader Reader => reader;

    /// <summary>The node takes no new calls: what only waits for something to come waits no longer.</summary>
    public bool IsDraining
    {
        get => _isDraining;
        set => _isDraining = value;
    }

    /// <summary>Null where this node makes no snapshots.</summary>
    public BackupReads? Backups => backups;

    public ClusterView View => view();

    public RpcOptions Options => options;

    public RpcStatistics Statistics => statistics;

    /// <summary>The clock of all deadlines, shared with routing and replication.</summary>
    public IReplicaClock Clock => clock;

    /// <summary>
    /// The deadline, by <see cref="IReplicaClock.NowMs"/>, of a call with this timeout; null means the default timeout.
    /// </summary>
    public long DeadlineAfter(long? timeoutMs) =>
        clock.NowMs + Math.Min(timeoutMs ?? options.Limits.DefaultTimeoutMs, options.Limits.MaxTimeoutMs);

    /// <summary>Asks routing whether a read may use the local store, according to the operation's class.</summary>
    public ValueTask<ReadAdmission> AdmitAsync(
        KvOperation operation, in RequestParameters parameters, long deadlineMs) =>
        operation.IsAtVersion
            ? routing.AdmitReadAtAsync(
                new CommitVersion(parameters.ReadVersion.GetValueOrDefault()), deadlineMs, CancellationToken.None)
            : routing.AdmitReadAsync(
                parameters.Consistency?.ToRouting(), parameters.MaxStalenessMs, deadlineMs, CancellationToken.None);

    /// <summary>Null if the request needs no token, carries the right one, or no token is configured.</summary>
    public Refusal? CheckToken<TRequest>(TRequest request) =>
        request is IAdminRequest admin ? CheckToken(admin.AuthToken) : null;

    /// <summary>
    /// Answers CORRUPTION for a damaged store, and INTERNAL for a bug. The client gets the message, the log the full
    /// exception.
    /// </summary>
    public Refusal Failed(RpcMethod method, Exception exception)
    {
        if (reader.NoteDamage(exception) is string damage)
        {
            return new Refusal(ErrorCode.CORRUPTION, damage);
        }

        Log.Failed(logger, exception, method.Name);
        return new Refusal(ErrorCode.INTERNAL, $"{method.Name} failed: {exception.Message}");
    }

    private Refusal? CheckToken(string? token)
    {
        if (_tokenHash is null)
        {
            return null;
        }

        // Comparing hashes of equal length keeps the comparison time independent of the token.
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
