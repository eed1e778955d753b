using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>One that calls this node, by one connection or many, and what is in flight of it. Thread-safe.</summary>
/// <param name="name">As error messages name it: <c>address 10.0.0.7</c>.</param>
internal sealed class RpcFlow(string name, RpcLimits limits, long nowMs, FlowTurns turns) : Flow(name)
{
    private long _calls;
    private long _bytes;
    private long _answerBytes;

    /// <summary>Turns of its connections on the thread pool.</summary>
    public FlowTurns Turns => turns;

    /// <summary>Calls in flight.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    /// <summary>Request bytes of the calls in flight, and of large messages that are still being received.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes of costly answers that are being read, or not taken yet.</summary>
    public long AnswerBytes => Interlocked.Read(ref _answerBytes);

    /// <summary>Its connections. Owned by <see cref="RpcFlows"/>, under its lock.</summary>
    public int Connections { get; set; }

    /// <summary>When it had its last connection. Owned by <see cref="RpcFlows"/>, under its lock.</summary>
    public long IdleSinceMs { get; set; }

    /// <summary>Null where max_calls_per_second is not set.</summary>
    private TokenBucket? CallRate { get; } = TokenBucket.Of(limits.MaxCallsPerSecond, nowMs);

    /// <summary>Null where max_bytes_per_second is not set.</summary>
    private TokenBucket? ByteRate { get; } = TokenBucket.Of(limits.MaxBytesPerSecond, nowMs);

    public void Charge(long calls, long bytes)
    {
        Interlocked.Add(ref _calls, calls);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void ChargeAnswer(long bytes) => Interlocked.Add(ref _answerBytes, bytes);

    /// <summary>
    /// Whether its rates allow a call with this many bytes now; if not, names the limit for the error message.
    /// </summary>
    public bool IsWithinRates(long bytes, IReplicaClock clock, out string? limit)
    {
        limit = null;
        if (CallRate is { } calls && !calls.TryTake(1, clock.NowMs))
        {
            limit = $"max_calls_per_second: {Name} calls more often than {limits.MaxCallsPerSecond} times a second";
        }
        else if (ByteRate is { } rate && !rate.TryTake(bytes, clock.NowMs))
        {
            limit = $"max_bytes_per_second: {Name} sends more than {limits.MaxBytesPerSecond} bytes a second";
        }

        return limit is null;
    }
}
