using KvCloud.Node.Operations;

namespace KvCloud.Node.Configuration;

/// <summary>
/// Bounds of calls and connections of this node. What bounds keys, values and transactions is part of the replicated
/// state machine and the same on every replica, so it is no setting.
/// </summary>
internal sealed record LimitsOptions
{
    [About("Client connections at one time; those on top are closed at once.")]
    [Between(1, 1_000_000)]
    public int MaxConnections { get; init; } = 10_000;

    [About("A longer Thrift message closes its connection. Has room for the largest transaction and its framing.")]
    [Between(1024, 256 * 1024 * 1024)]
    public int MaxMessageBytes { get; init; } = 16 * 1024 * 1024;

    [About("A connection with so many unanswered calls is read no further until half of them are answered.")]
    [Between(1, 1_000_000)]
    public int MaxInFlightPerConnection { get; init; } = 1024;

    [About("Calls in flight in this node; one on top is answered OVERLOADED.")]
    [Between(1, 100_000_000)]
    public int MaxInFlightCalls { get; init; } = 100_000;

    [About("Bytes of the calls in flight in this node; a call on top is answered OVERLOADED.")]
    [Between(1024, 64L * 1024 * 1024 * 1024)]
    public long MaxInFlightBytes { get; init; } = 64L * 1024 * 1024;

    [About("Input of one connection that is read ahead.")]
    [Between(4096, 64 * 1024 * 1024)]
    public int ReadBufferBytes { get; init; } = 128 * 1024;

    [About("A message that is not whole so long after its first byte closes its connection.")]
    [Between(1000, 3_600_000)]
    public int MessageTimeoutMs { get; init; } = 120_000;

    [About("Writes that may wait for a slot; one on top is answered OVERLOADED.")]
    [Between(1, 10_000_000)]
    public int MaxQueuedWrites { get; init; } = 65_536;

    [About("Bytes of the writes that may wait for a slot; a write on top is answered OVERLOADED.")]
    [Between(1024, 64L * 1024 * 1024 * 1024)]
    public long MaxQueuedWriteBytes { get; init; } = 64L * 1024 * 1024;

    [About("A range answer whose request sets limit_bytes stops after about so many bytes of keys and values; has_more "
        + "tells that there is more. Without limit_bytes it has the rows asked for, 15 MiB at most.")]
    [Between(1024, KvLimits.RangeMaxSizeBytes)]
    public int MaxRangeBytes { get; init; } = KvLimits.RangeMaxSizeBytes;

    [About("Costly reads, such as ranges of many keys, that run at once; 0 for half of the cores, and at least one.")]
    [Between(0, 1024)]
    public int MaxConcurrentScans { get; init; }

    [About("Connections that may wait for a costly read to run; a read on top is answered OVERLOADED.")]
    [Between(0, 1_000_000)]
    public int MaxQueuedScans { get; init; } = 256;

    [About("Bytes of range answers being read or not yet taken by their clients; a read on top is answered "
        + "OVERLOADED.")]
    [Between(16 * 1024 * 1024, 64L * 1024 * 1024 * 1024)]
    public long MaxScanAnswerBytes { get; init; } = 256L * 1024 * 1024;

    [About("How long a call may take that names no timeout.")]
    [Between(1, 3_600_000)]
    public int DefaultTimeoutMs { get; init; } = 10_000;

    [About("A call that asks for more time gets this much.")]
    [Between(1, 3_600_000)]
    public int MaxTimeoutMs { get; init; } = 300_000;

    [About("How long calls in flight have to finish when the node stops.")]
    [Between(0, 3_600_000)]
    public int DrainTimeoutMs { get; init; } = 15_000;
}
