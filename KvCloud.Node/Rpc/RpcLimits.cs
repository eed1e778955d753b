namespace KvCloud.Node.Rpc;

/// <summary>
/// Limits on what clients can make this node hold and do. Immutable; messages use the names of the settings.
/// </summary>
internal sealed record RpcLimits
{
    /// <summary>Further connections are closed immediately (max_connections).</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>
    /// Further connections of an address are closed immediately; 0 for no such limit (max_connections_per_address).
    /// </summary>
    public int MaxConnectionsPerAddress { get; init; }

    /// <summary>
    /// A longer message closes its connection (max_message_bytes). The default fits the largest transaction and its
    /// framing.
    /// </summary>
    public int MaxMessageBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// A connection with this many unanswered calls is not read until half of them are answered
    /// (max_in_flight_per_connection).
    /// </summary>
    public int MaxInFlightCallsPerConnection { get; init; } = 1_024;

    /// <summary>
    /// A connection whose unanswered calls have this many bytes is not read until half of them are answered
    /// (max_in_flight_bytes_per_connection).
    /// </summary>
    public long MaxInFlightBytesPerConnection { get; init; } = 32L * 1024 * 1024;

    /// <summary>
    /// Further calls of a caller are answered OVERLOADED; 0 for no such limit (max_in_flight_calls_per_caller).
    /// </summary>
    public int MaxInFlightCallsPerCaller { get; init; }

    /// <summary>
    /// Further calls of a caller are answered OVERLOADED; 0 for no such limit (max_in_flight_bytes_per_caller).
    /// </summary>
    public long MaxInFlightBytesPerCaller { get; init; }

    /// <summary>Further calls of a caller are not read yet; 0 for no such limit (max_calls_per_second).</summary>
    public int MaxCallsPerSecond { get; init; }

    /// <summary>
    /// Of requests and answers. Further calls of a caller are not read yet; 0 for no such limit (max_bytes_per_second).
    /// </summary>
    public long MaxBytesPerSecond { get; init; }

    /// <summary>
    /// While others call, a caller that takes much more than they do is slowed down, so that of the times that threads
    /// wait for a core at most one in a hundred is longer; 0 for no such limit (max_scheduling_delay_us).
    /// </summary>
    public int MaxSchedulingDelayUs { get; init; } = 250;

    /// <summary>Further calls are answered OVERLOADED (max_in_flight_calls).</summary>
    public int MaxInFlightCallsPerNode { get; init; } = 100_000;

    /// <summary>Further calls are answered OVERLOADED (max_in_flight_bytes).</summary>
    public long MaxInFlightBytesPerNode { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// Input that the socket layer buffers ahead of a connection's reader (read_buffer_bytes). Multiplied by
    /// <see cref="MaxConnections"/> it bounds what flooding clients can make this node hold.
    /// </summary>
    public int ReadBufferBytes { get; init; } = 128 * 1024;

    /// <summary>
    /// A message must be complete this long after its first byte, or the connection is closed (message_timeout_ms).
    /// </summary>
    public int MessageTimeoutMs { get; init; } = 120_000;

    /// <summary>
    /// A connection on which nothing has come so long after its begin is closed; 0 for never
    /// (first_message_timeout_ms).
    /// </summary>
    public int FirstMessageTimeoutMs { get; init; } = 60_000;

    /// <summary>Timeout of a call that sets none (default_timeout_ms).</summary>
    public int DefaultTimeoutMs { get; init; } = 10_000;

    /// <summary>Longer timeouts are reduced to this (max_timeout_ms).</summary>
    public int MaxTimeoutMs { get; init; } = 300_000;

    /// <summary>
    /// A range answer whose request sets limit_bytes ends after about this many bytes of keys and values
    /// (max_range_bytes).
    /// </summary>
    public int MaxRangeBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Costly reads that run concurrently; 0 means half of the cores, at least one (max_concurrent_scans).
    /// </summary>
    public int MaxConcurrentScans { get; init; }

    /// <summary>
    /// Connections that may wait for a costly read; further costly reads are answered OVERLOADED (max_queued_scans).
    /// </summary>
    public int MaxQueuedScans { get; init; } = 256;

    /// <summary>
    /// Unsent bytes of costly answers; further costly reads are answered OVERLOADED (max_scan_answer_bytes). Bounds
    /// what clients that request large ranges and do not read the answers make this node hold.
    /// </summary>
    public long MaxScanAnswerBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>How long calls in flight may take to finish when the node stops (drain_timeout_ms).</summary>
    public int DrainTimeoutMs { get; init; } = 15_000;

    /// <summary>One sentence per invalid limit; empty if all are valid.</summary>
    public IEnumerable<string> Validate()
    {
        (string Name, long Value, long Min, long Max)[] ranges =
        [
            ("max_connections", MaxConnections, 1, 1_000_000),
            ("max_connections_per_address", MaxConnectionsPerAddress, 0, 1_000_000),
            ("max_in_flight_bytes_per_connection", MaxInFlightBytesPerConnection, 1_024, long.MaxValue),
            ("max_in_flight_calls_per_caller", MaxInFlightCallsPerCaller, 0, 100_000_000),
            ("max_in_flight_bytes_per_caller", MaxInFlightBytesPerCaller,
                MaxInFlightBytesPerCaller == 0 ? 0 : MaxMessageBytes, long.MaxValue),
            ("max_calls_per_second", MaxCallsPerSecond, 0, 100_000_000),
            ("max_bytes_per_second", MaxBytesPerSecond, 0, long.MaxValue),
            ("max_scheduling_delay_us", MaxSchedulingDelayUs, 0, 1_000_000),
            ("first_message_timeout_ms", FirstMessageTimeoutMs, 0, 3_600_000),
            ("max_message_bytes", MaxMessageBytes, 1_024, 256 * 1024 * 1024),
            ("max_in_flight_per_connection", MaxInFlightCallsPerConnection, 1, 1_000_000),
            ("max_in_flight_calls", MaxInFlightCallsPerNode, 1, 100_000_000),
            ("max_in_flight_bytes", MaxInFlightBytesPerNode, MaxMessageBytes, long.MaxValue),
            ("read_buffer_bytes", ReadBufferBytes, 4_096, 64 * 1024 * 1024),
            ("message_timeout_ms", MessageTimeoutMs, 1_000, 3_600_000),
            ("default_timeout_ms", DefaultTimeoutMs, 1, MaxTimeoutMs),
            ("max_timeout_ms", MaxTimeoutMs, 1, 3_600_000),
            ("max_range_bytes", MaxRangeBytes, 1_024, 256 * 1024 * 1024),
            ("max_concurrent_scans", MaxConcurrentScans, 0, 1_024),
            ("max_queued_scans", MaxQueuedScans, 0, 1_000_000),
            ("max_scan_answer_bytes", MaxScanAnswerBytes, 16 * 1024 * 1024, long.MaxValue),
            ("drain_timeout_ms", DrainTimeoutMs, 0, 3_600_000),
        ];
        return from range in ranges
               where range.Value < range.Min || range.Value > range.Max
               select $"{range.Name} is {range.Value}, but must be from {range.Min} to {range.Max}.";
    }
}
