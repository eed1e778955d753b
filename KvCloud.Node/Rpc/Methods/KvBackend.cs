using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Access;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Wire;
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
    CallAccess access,
    BackupReads? backups = null)
{
    private volatile bool _isDraining;
    private readonly byte[]? _tokenHash =
        string.IsNullOrEmpty(options.AdminToken) ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.AdminToken));

    public RoutingManager Routing => routing;

    public KvReader Reader => reader;

    /// <summary>Who may do what.</summary>
    public CallAccess Access => access;

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

    /// <summary>Of a call that may have waited already before its rights were looked at again.</summary>
    public long DeadlineAfter(long? timeoutMs, in RequestMessage message) =>
        DeadlineAfter(timeoutMs) - message.WaitedMs;

    /// <summary>Asks routing whether a read may use the local store, according to the operation's class.</summary>
    public ValueTask<ReadAdmission> AdmitAsync(
        KvOperation operation, in RequestParameters parameters, long deadlineMs) =>
        operation.IsAtVersion
            ? routing.AdmitReadAtAsync(
                new CommitVersion(parameters.ReadVersion.GetValueOrDefault()), deadlineMs, CancellationToken.None)
            : routing.AdmitReadAsync(
                parameters.Consistency?.ToRouting(), parameters.MaxStalenessMs, deadlineMs, CancellationToken.None);

    /// <summary>
    /// Whether the caller may make a call whose request can carry a token; null if it may. All others
    /// <see cref="KvDispatcher"/> has checked.
    /// </summary>
    /// <param name="principal">Whose call it is: that of the token it carries, or that of the connection.</param>
    public Refusal? CheckToken<TRequest>(
        KvOperation operation, in RequestMessage message, TRequest request, out Principal principal)
    {
        principal = message.Caller?.Principal ?? Principal.Anonymous;
        return request is not IAdminRequest admin ? null
            : access.IsRequired ? access.Check(operation, message.Caller, admin.AuthToken, ref principal)
            : CheckToken(admin.AuthToken);
    }

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
        [LoggerMessage(2101, LogLevel.Error, "Call {Method} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string method);
    }
}
