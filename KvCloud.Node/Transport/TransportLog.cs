using KvCloud.Consensus;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>Log messages of the transport.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(3000, LogLevel.Information, "Listening for replicas on {Endpoint}")]
    public static partial void Listening(ILogger logger, string endpoint);

    [LoggerMessage(3001, LogLevel.Information, "Connected to {Peer} at {Endpoint}")]
    public static partial void Connected(ILogger logger, NodeId peer, string endpoint);

    [LoggerMessage(3002, LogLevel.Information, "The connection to {Peer} ended: {Reason}")]
    public static partial void Disconnected(ILogger logger, NodeId peer, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "Cannot reach {Peer} at {Endpoint}: {Reason}. Trying again")]
    public static partial void Unreachable(ILogger logger, NodeId peer, string endpoint, string reason);

    [LoggerMessage(3004, LogLevel.Error, "No connection to {Peer} at {Endpoint}, refused: {Reason}. Trying again")]
    public static partial void OutboundRejected(ILogger logger, NodeId peer, string endpoint, string reason);

    [LoggerMessage(3005, LogLevel.Error, "A connection from {Remote} is refused: {Reason}")]
    public static partial void InboundRejected(ILogger logger, string remote, string reason);

    [LoggerMessage(3006, LogLevel.Information, "Connected from {Peer} at {Remote}")]
    public static partial void InboundAccepted(ILogger logger, NodeId peer, string remote);

    [LoggerMessage(3007, LogLevel.Information, "The connection from {Peer} at {Remote} ended: {Reason}")]
    public static partial void InboundEnded(ILogger logger, NodeId peer, string remote, string reason);

    [LoggerMessage(3008, LogLevel.Warning, "A connection from {Remote} was closed during the handshake: {Reason}")]
    public static partial void UnknownPeerClosed(ILogger logger, string remote, string reason);

    [LoggerMessage(
        3009, LogLevel.Error, "{Peer} at {Remote} sent a malformed message; its connection is closed: {Reason}")]
    public static partial void Malformed(ILogger logger, NodeId peer, string remote, string reason);

    [LoggerMessage(
        3010, LogLevel.Error, "A message from {Peer} at {Remote} could not be handled; its connection is closed")]
    public static partial void HandlerFailed(ILogger logger, NodeId peer, string remote, Exception error);

    [LoggerMessage(3011, LogLevel.Warning, "Sending to {Peer} failed: {Reason}")]
    public static partial void SendFailed(ILogger logger, NodeId peer, string reason);

    [LoggerMessage(
        3012, LogLevel.Error,
        "{Type} to {Peer} was dropped: its {SizeBytes} bytes exceed the frame limit, {LimitBytes}")]
    public static partial void MessageTooLarge(
        ILogger logger, string type, NodeId peer, long sizeBytes, int limitBytes);

    [LoggerMessage(3013, LogLevel.Warning, "A connection cannot be accepted: {Reason}")]
    public static partial void AcceptFailed(ILogger logger, string reason);

    [LoggerMessage(3014, LogLevel.Warning,
        "{Count} connections have not identified themselves yet; the oldest are closed to make room")]
    public static partial void TooManyPendingHandshakes(ILogger logger, int count);
}
