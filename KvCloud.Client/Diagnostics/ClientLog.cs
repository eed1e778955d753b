using Microsoft.Extensions.Logging;

namespace KvCloud.Client.Diagnostics;

/// <summary>
/// Log messages of category `KvCloud.Client`: changes in what the client knows of the cluster, never single calls.
/// </summary>
internal static partial class ClientLog
{
    public const string Category = "KvCloud.Client";

    [LoggerMessage(4001, LogLevel.Information, "{Endpoint} leads the cluster")]
    public static partial void LeaderKnown(this ILogger logger, string endpoint);

    [LoggerMessage(4002, LogLevel.Warning, "Circuit breaker of {Endpoint} opened: {Reason}")]
    public static partial void CircuitOpened(this ILogger logger, string endpoint, string reason);

    [LoggerMessage(4003, LogLevel.Information, "Circuit breaker of {Endpoint} closed: it answers again")]
    public static partial void CircuitClosed(this ILogger logger, string endpoint);
}
