namespace KvCloud.Node.Transport;

/// <summary>Limits and times of <see cref="TcpTransport"/>. Immutable; checked when the transport is made.</summary>
internal sealed record TransportOptions
{
    /// <summary>
    /// Largest frame sent or accepted. A larger Accept of several entries is split. A larger single entry or Promise
    /// cannot be sent at all, so the settings allow no batch beyond two thirds of this. Must be the same on all
    /// replicas.
    /// </summary>
    public int MaxFrameBytes { get; init; } = 48 * 1024 * 1024;

    /// <summary>Bytes queued for one peer; further messages are dropped. At least one frame.</summary>
    public int MaxQueuedBulkBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>A separate queue for heartbeats, votes and other small messages while bulk is waiting.</summary>
    public int MaxQueuedControlBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Accepted connections that have not identified themselves yet. Beyond this the oldest of them are closed.
    /// </summary>
    public int MaxPendingHandshakes { get; init; } = 32;

    public int HandshakeTimeoutMs { get; init; } = 2000;

    public int ConnectTimeoutMs { get; init; } = 2000;

    /// <summary>
    /// node_timeout_ms: when sent data stays unacknowledged for this long, or a peer answers no probe, the connection
    /// is broken.
    /// </summary>
    public int PeerTimeoutMs { get; init; } = 3000;

    public int MinReconnectDelayMs { get; init; } = 50;

    public int MaxReconnectDelayMs { get; init; } = 1000;

    /// <summary>The same error of the same peer is logged once per this interval.</summary>
    public int RepeatedLogIntervalMs { get; init; } = 60_000;

    /// <summary>The clock for deadlines and reported times; tests advance it by hand.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Throws an <see cref="ArgumentException"/> that names the invalid setting.</summary>
    public void Validate()
    {
        Require(MaxFrameBytes >= 64 * 1024, $"MaxFrameBytes must be 65536 or more, not {MaxFrameBytes}");
        Require(
            MaxFrameBytes <= MaxQueuedBulkBytes,
            $"MaxQueuedBulkBytes ({MaxQueuedBulkBytes}) must have room for MaxFrameBytes ({MaxFrameBytes})");
        Require(
            MaxQueuedControlBytes >= 64 * 1024,
            $"MaxQueuedControlBytes must be 65536 or more, not {MaxQueuedControlBytes}");
        Require(MaxPendingHandshakes > 0, "MaxPendingHandshakes must be positive");
        Require(HandshakeTimeoutMs > 0, "HandshakeTimeoutMs must be positive");
        Require(ConnectTimeoutMs > 0, "ConnectTimeoutMs must be positive");
        Require(PeerTimeoutMs > 0, "PeerTimeoutMs must be positive");
        Require(MinReconnectDelayMs > 0, "MinReconnectDelayMs must be positive");
        Require(
            MaxReconnectDelayMs >= MinReconnectDelayMs,
            "MaxReconnectDelayMs must not be less than MinReconnectDelayMs");
        Require(RepeatedLogIntervalMs >= 0, "RepeatedLogIntervalMs must not be negative");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}
