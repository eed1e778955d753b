using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>One that calls this node, by one connection or many, and what is in flight of it. Thread-safe.</summary>
/// <param name="writes">Its writes, those that come by other nodes included.</param>
internal sealed class RpcFlow(Flow writes, RpcLimits limits, IReplicaClock clock, FlowTurns turns)
{
    /// <summary>
    /// Calls that a connection serves before others have their turn. They take some tenths of a millisecond.
    /// </summary>
    public const int CallsPerTurn = 64;

    public const long BytesPerTurn = 64 * 1024;

    private long _calls;
    private long _bytes;
    private long _answerBytes;

    /// <summary>As error messages name it: <c>address 10.0.0.7</c>.</summary>
    public string Name => writes.Name;

    /// <summary>Its writes, those that come by other nodes included.</summary>
    public Flow Writes => writes;

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
    private TokenBucket? CallRate { get; } = TokenBucket.Of(limits.MaxCallsPerSecond, CallsPerTurn, clock.NowMs);

    /// <summary>Null where max_bytes_per_second is not set.</summary>
    private TokenBucket? ByteRate { get; } = TokenBucket.Of(limits.MaxBytesPerSecond, BytesPerTurn, clock.NowMs);

    public void Charge(long calls, long bytes)
    {
        Interlocked.Add(ref _calls, calls);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void ChargeAnswer(long bytes) => Interlocked.Add(ref _answerBytes, bytes);

    /// <summary>A call has been read.</summary>
    public void PayForCall(long bytes)
    {
        CallRate?.Take(1, clock.NowMs);
        ByteRate?.Take(bytes, clock.NowMs);
    }

    /// <summary>Answers have been written.</summary>
    public void PayForAnswers(long bytes) => ByteRate?.Take(bytes, clock.NowMs);

    /// <summary>Whether it has used up what its rates allow, so that no further call of it is read.</summary>
    public bool IsSpent =>
        CallRate?.IsSpent(clock.NowMs) == true || ByteRate?.IsSpent(clock.NowMs) == true;

    /// <summary>How long a connection that found it spent has to wait.</summary>
    public long WaitMs =>
        Math.Max(CallRate?.WaitMs(clock.NowMs) ?? 0, ByteRate?.WaitMs(clock.NowMs) ?? 0);
}
