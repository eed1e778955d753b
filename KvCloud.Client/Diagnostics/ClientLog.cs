using Microsoft.Extensions.Logging;

namespace KvCloud.Client.Diagnostics;

/// <summary>
/// What the client logs, in category `KvCloud.Client`: changes of what it knows of the cluster, never a call.
/// </summary>
internal static partial class ClientLog
{
    public const string Category = "KvCloud.Client";

    [LoggerMessage(1, LogLevel.Information, "{Endpoint} leads the cluster")]
    public static partial void LeaderKnown(this ILogger logger, string endpoint);

    [LoggerMessage(2, LogLevel.Warning, "{Endpoint} is set aside: {Reason}")]
    public static partial void NodeSetAside(this ILogger logger, string endpoint, string reason);

    [LoggerMessage(3, LogLevel.Information, "{Endpoint} answers again")]
    public static partial void NodeAnswersAgain(this ILogger logger, string endpoint);
}
