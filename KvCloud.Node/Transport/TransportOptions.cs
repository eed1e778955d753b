namespace KvCloud.Node.Transport;

/// <summary>Limits and times of <see cref="TcpTransport"/>. Immutable; checked when the transport is made.</summary>
internal sealed record TransportOptions
{
    /// <summary>
    /// Largest frame sent or taken. An Accept of several entries that is larger is sent in parts; a single entry or a
    /// Promise that is larger cannot be sent at all: so the settings allow no batch beyond two thirds of it. Must be
    /// the same on all replicas.
    /// </summary>
    public int MaxFrameBytes { get; init; } = 48 * 1024 * 1024;

    /// <summary>Bytes waiting for one peer; what comes on top is dropped. At least one frame.</summary>
    public int MaxQueuedBulkBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Room of their own for heartbeats, votes and other small messages while bulk is waiting.</summary>
    public int MaxQueuedControlBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Accepted connections that have not said yet who they are. With more the oldest of them are closed.
    /// </summary>
    public int MaxPendingHandshakes { get; init; } = 32;

    public int HandshakeTimeoutMs { get; init; } = 2000;

    public int ConnectTimeoutMs { get; init; } = 2000;

    /// <summary>
    /// node_timeout_ms: sent data that stays unacknowledged for so long, or a peer that answers no probe, breaks the
    /// connection.
    /// </summary>
    public int PeerTimeoutMs { get; init; } = 3000;

    public int MinReconnectDelayMs { get; init; } = 50;

    public int MaxReconnectDelayMs { get; init; } = 1000;

    /// <summary>The same error of the same peer is logged once in so long.</summary>
    public int RepeatedLogIntervalMs { get; init; } = 60_000;

    /// <summary>By which deadlines are kept and times are told; a test moves it by hand.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Throws <see cref="ArgumentException"/> that names the setting which cannot work.</summary>
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
