using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Cluster;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
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
    FaultInjector faults,
    TimeProvider time,
    ILogger<KvBackend> logger)
{
    private readonly byte[]? _tokenHash =
        string.IsNullOrEmpty(options.AdminToken) ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.AdminToken));

    public RoutingManager Routing => routing;

    public KvReader Reader => reader;

    public ClusterView View => view();

    public RpcOptions Options => options;

    public RpcStatistics Statistics => statistics;

    public FaultInjector Faults => faults;

    public TimeProvider Time => time;

    /// <summary>Environment.TickCount64 by which the call must be answered; false when the timeout is not positive.</summary>
    public bool TryGetDeadline(long? timeoutMs, out long deadlineMs, out Refusal refusal)
    {
        refusal = default;
        deadlineMs = 0;
        if (timeoutMs <= 0)
        {
            refusal = Refusal.InvalidArgument($"the timeout must be positive, but is {timeoutMs} ms");
            return false;
        }

        deadlineMs = Environment.TickCount64
            + Math.Min(timeoutMs ?? options.Limits.DefaultTimeoutMs, options.Limits.MaxTimeoutMs);
        return true;
    }

    /// <summary>Null when the token is right, or none is configured.</summary>
    public Refusal? CheckToken(string? token)
    {
        if (_tokenHash is null)
        {
            return null;
        }

        // Hashes have one length, so the time taken tells nothing of the token's.
        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(token ?? ""));
        return CryptographicOperations.FixedTimeEquals(given, _tokenHash)
            ? null
            : new Refusal(ErrorCode.UNAUTHENTICATED, string.IsNullOrEmpty(token) ? "auth_token is missing" : "auth_token is wrong");
    }

    /// <summary>Answers with a refusal: at once where that may be, else when it is the call's turn.</summary>
    public IPendingCall? Refuse(
        RpcMethod method, in RequestMessage message, AnswerWriter? direct, in Refusal refusal, int delayMs = 0)
    {
        if (direct is null || delayMs > 0)
        {
            return new RefusedCall(method, in message, refusal, delayMs);
        }

        method.WriteRefusal(direct, message.SequenceId, in refusal);
        statistics.Record(method, refusal.Code, message.ReceivedTimestamp);
        return null;
    }

    /// <summary>A defect, or a store that cannot be read: the caller hears of it, the log has the rest.</summary>
    public Refusal Failed(RpcMethod method, Exception exception)
    {
        Log.Failed(logger, exception, method.Name);
        return new Refusal(ErrorCode.INTERNAL, $"{method.Name} failed: {exception.Message}");
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Call {Method} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string method);
    }
}
