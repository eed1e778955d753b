using KvCloud.Node.Operations;

namespace KvCloud.Node.Configuration;

/// <summary>
/// Limits on the calls and connections of this node. Limits of keys, values and transactions are part of the replicated
/// state machine and must be equal on every replica, so they are not settings.
/// </summary>
internal sealed record LimitsOptions
{
    [About("Concurrent client connections; further ones are closed immediately.")]
    [Between(1, 1_000_000)]
    public int MaxConnections { get; init; } = 10_000;

    [About("A longer Thrift message closes its connection. The default fits the largest transaction and its framing.")]
    [Between(1024, 256 * 1024 * 1024)]
    public int MaxMessageBytes { get; init; } = 16 * 1024 * 1024;

    [About("A connection with this many unanswered calls is not read until half of them are answered.")]
    [Between(1, 1_000_000)]
    public int MaxInFlightPerConnection { get; init; } = 1024;

    [About("A connection whose unanswered calls have this many bytes is not read until half of them are answered.")]
    [Between(1024, 64L * 1024 * 1024 * 1024)]
    public long MaxInFlightBytesPerConnection { get; init; } = 32L * 1024 * 1024;

    [About("Connections of one address (of an IPv6 subnet of 64 bits); further ones are closed immediately. 0 means"
        + " only its share: four times what is free of max_connections.")]
    [Between(0, 1_000_000)]
    public int MaxConnectionsPerAddress { get; init; }

    [About("Connections to the HTTP port; further ones are closed immediately, and so are those of an address (of an "
        + "IPv6 subnet of 64 bits) that has its share: four times what is free of it.")]
    [Between(10, 1_000_000)]
    public int MaxHttpConnections { get; init; } = 1_000;

    [About("Calls in flight of one caller, a user or else an address; further ones are answered OVERLOADED. 0 means"
        + " only its share: four times what is free of max_in_flight_calls.")]
    [Between(0, 100_000_000)]
    public int MaxInFlightCallsPerCaller { get; init; }

    [About("Request bytes of one caller's calls in flight; further calls are answered OVERLOADED. 0 means only its"
        + " share: four times what is free of max_in_flight_bytes.")]
    [Between(0, 64L * 1024 * 1024 * 1024)]
    public long MaxInFlightBytesPerCaller { get; init; }

    [About("Calls of one caller that are read in a second; further ones wait in its connections. 0 means no limit.")]
    [Between(0, 100_000_000)]
    public int MaxCallsPerSecond { get; init; }

    [About("Bytes of one caller's requests and answers in a second; while it is above that, its further calls wait in"
        + " its connections. 0 means no limit.")]
    [Between(0, 64L * 1024 * 1024 * 1024)]
    public long MaxBytesPerSecond { get; init; }

    [About("While the cores are busy and others call, a caller that takes over four times as much as they do on average"
        + " is slowed down, so that of the times that this node's threads wait for a core at most one in a hundred is"
        + " longer than this. 0 means never. No effect on Windows.")]
    [Between(0, 1_000_000)]
    public int MaxSchedulingDelayUs { get; init; } = 250;

    [About("Calls in flight in this node; further ones are answered OVERLOADED.")]
    [Between(1, 100_000_000)]
    public int MaxInFlightCalls { get; init; } = 100_000;

    [About("Request bytes of the calls in flight in this node; further calls are answered OVERLOADED.")]
    [Between(1024, 64L * 1024 * 1024 * 1024)]
    public long MaxInFlightBytes { get; init; } = 64L * 1024 * 1024;

    [About("Bytes read ahead from one connection.")]
    [Between(4096, 64 * 1024 * 1024)]
    public int ReadBufferBytes { get; init; } = 128 * 1024;

    [About("A message that is not complete this long after its first byte closes its connection.")]
    [Between(1000, 3_600_000)]
    public int MessageTimeoutMs { get; init; } = 120_000;

    [About("A connection on which nothing has come so long after it began is closed; 0 means never.")]
    [Between(0, 3_600_000)]
    public int FirstMessageTimeoutMs { get; init; } = 60_000;

    [About("Writes that may wait for a slot; further ones are answered OVERLOADED.")]
    [Between(1, 10_000_000)]
    public int MaxQueuedWrites { get; init; } = 65_536;

    [About("Bytes of the writes that may wait for a slot; further writes are answered OVERLOADED.")]
    [Between(1024, 64L * 1024 * 1024 * 1024)]
    public long MaxQueuedWriteBytes { get; init; } = 64L * 1024 * 1024;

    [About("A range answer whose request sets limit_bytes ends after about this many bytes of keys and values, and "
        + "has_more tells the client to continue. Without limit_bytes it holds all requested rows, at most 15 MiB.")]
    [Between(1024, KvLimits.RangeMaxSizeBytes)]
    public int MaxRangeBytes { get; init; } = KvLimits.RangeMaxSizeBytes;

    [About("Costly reads, such as ranges of many keys, that run concurrently; 0 means half of the cores, "
        + "at least one.")]
    [Between(0, 1024)]
    public int MaxConcurrentScans { get; init; }

    [About("Connections that may wait for a costly read to run; further costly reads are answered OVERLOADED.")]
    [Between(0, 1_000_000)]
    public int MaxQueuedScans { get; init; } = 256;

    [About("Bytes of range answers being read or not yet taken by their clients; further costly reads are answered "
        + "OVERLOADED.")]
    [Between(16 * 1024 * 1024, 64L * 1024 * 1024 * 1024)]
    public long MaxScanAnswerBytes { get; init; } = 256L * 1024 * 1024;

    [About("Timeout of a call that sets none.")]
    [Between(1, 3_600_000)]
    public int DefaultTimeoutMs { get; init; } = 10_000;

    [About("Longest timeout; a longer one is reduced to this.")]
    [Between(1, 3_600_000)]
    public int MaxTimeoutMs { get; init; } = 300_000;

    [About("How long calls in flight may take to finish when the node stops.")]
    [Between(0, 3_600_000)]
    public int DrainTimeoutMs { get; init; } = 15_000;
}
