namespace KvCloud.Node.Configuration;

/// <summary>Bounds of keys, values, transactions, calls and connections.</summary>
internal sealed record LimitsOptions
{
    [About("Longest key. Must be the same on all replicas.")]
    [Between(1, 64 * 1024)]
    public int KeySizeBytes { get; init; } = 16 * 1024;

    [About("Longest value. Must be the same on all replicas.")]
    [Between(1, 64 * 1024 * 1024)]
    public int ValueSizeBytes { get; init; } = 1024 * 1024;

    [About("Keys and values of one transaction together.")]
    [Between(1024, 256 * 1024 * 1024)]
    public int TransactionSizeBytes { get; init; } = 10 * 1024 * 1024;

    [About("Operations of one transaction.")]
    [Between(1, 1_000_000)]
    public int TransactionOperations { get; init; } = 10_000;

    [About("Longest Thrift message. Room for one transaction and its names.")]
    [Between(64 * 1024, 512 * 1024 * 1024)]
    public int FrameSizeBytes { get; init; } = 16 * 1024 * 1024;

    [About("Client connections at one time.")]
    [Between(1, 1_000_000)]
    public int Connections { get; init; } = 20_000;

    [About("A connection that says nothing for this long is closed; 0 for never.")]
    [Between(0, 86_400_000)]
    public int ConnectionIdleTimeoutMs { get; init; }

    [About("Calls of one connection that may be in flight; more wait in its socket.")]
    [Between(1, 100_000)]
    public int CallsPerConnection { get; init; } = 1024;

    [About("Bytes of all requests in flight; more are answered OVERLOADED.")]
    [Between(1024 * 1024, 64L * 1024 * 1024 * 1024)]
    public long InFlightBytes { get; init; } = 256L * 1024 * 1024;

    [About("Writes that may wait for a slot; more are answered OVERLOADED.")]
    [Between(1, 10_000_000)]
    public int QueuedWrites { get; init; } = 65_536;

    [About("Bytes of the writes that may wait for a slot; more are answered OVERLOADED.")]
    [Between(1024 * 1024, 64L * 1024 * 1024 * 1024)]
    public long QueuedWriteBytes { get; init; } = 128L * 1024 * 1024;

    [About("Rows and bytes of a range answer end here; has_more tells that there is more.")]
    [Between(1024, 256 * 1024 * 1024)]
    public int RangeResponseBytes { get; init; } = 4 * 1024 * 1024;

    [About("How long a call may take when it names no timeout of its own.")]
    [Between(1, 3_600_000)]
    public int RequestTimeoutMs { get; init; } = 10_000;

    [About("How long a stop waits for calls in flight.")]
    [Between(0, 600_000)]
    public int DrainTimeoutMs { get; init; } = 10_000;
}
