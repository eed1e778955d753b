namespace KvCloud.Node.Rpc;

/// <summary>
/// What clients may make this node hold and do. Immutable; the names in messages are those of the keys.
/// </summary>
internal sealed record RpcLimits
{
    /// <summary>Connections beyond it are closed at once (max_connections).</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>
    /// A longer message closes its connection (max_message_bytes). Leaves room for a transaction of the greatest size
    /// and its framing.
    /// </summary>
    public int MaxMessageBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>A connection with so many unanswered calls is read no further until half of them are answered
    /// (max_in_flight_per_connection).</summary>
    public int MaxInFlightCallsPerConnection { get; init; } = 1_024;

    /// <summary>A call beyond it is answered OVERLOADED (max_in_flight_calls).</summary>
    public int MaxInFlightCallsPerNode { get; init; } = 100_000;

    /// <summary>A call beyond it is answered OVERLOADED (max_in_flight_bytes).</summary>
    public long MaxInFlightBytesPerNode { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// Input that the socket layer reads ahead of a connection's reader (read_buffer_bytes). Times
    /// <see cref="MaxConnections"/> it bounds what flooding clients can make this node hold.
    /// </summary>
    public int ReadBufferBytes { get; init; } = 128 * 1024;

    /// <summary>A message must be whole so long after its first byte, or the connection is closed
    /// (message_timeout_ms).</summary>
    public int MessageTimeoutMs { get; init; } = 120_000;

    /// <summary>Deadline of a call that names none (default_timeout_ms).</summary>
    public int DefaultTimeoutMs { get; init; } = 10_000;

    /// <summary>A call that asks for more time gets this much (max_timeout_ms).</summary>
    public int MaxTimeoutMs { get; init; } = 300_000;

    /// <summary>
    /// The answer to a range read that says by limit_bytes how much it wants stops after about so many bytes of keys
    /// and values (max_range_bytes).
    /// </summary>
    public int MaxRangeBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Costly reads that run at once; 0 for half of the cores, and at least one (max_concurrent_scans).
    /// </summary>
    public int MaxConcurrentScans { get; init; }

    /// <summary>
    /// Connections that may wait for a costly read; a read on top is answered OVERLOADED (max_queued_scans).
    /// </summary>
    public int MaxQueuedScans { get; init; } = 256;

    /// <summary>
    /// Bytes of costly answers that are not sent; a read on top is answered OVERLOADED (max_scan_answer_bytes). Bounds
    /// what clients that ask for much and take nothing make this node hold.
    /// </summary>
    public long MaxScanAnswerBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Calls in flight get so long to finish when the node stops (drain_timeout_ms).</summary>
    public int DrainTimeoutMs { get; init; } = 15_000;

    /// <summary>What is wrong with these limits, one clear sentence each; empty when nothing is.</summary>
    public IEnumerable<string> Validate()
    {
        (string Name, long Value, long Min, long Max)[] ranges =
        [
            ("max_connections", MaxConnections, 1, 1_000_000),
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
