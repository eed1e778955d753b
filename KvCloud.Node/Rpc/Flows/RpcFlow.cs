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

    /// <summary>How often a connection that waits looks whether it is to end.</summary>
    private const long MaxSleepMs = 100;

    private long _calls;
    private long _bytes;
    private long _answerBytes;
    private long _waiting;
    private long _waited;

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

    /// <summary>What it takes, and what it may take while others wait for it.</summary>
    public FlowPace Pace { get; } = new(clock);

    /// <summary>
    /// The number of its last turn in the scan pool, which counts the turns of all. Owned by the pool, under its lock.
    /// </summary>
    public long LastScan { get; set; }

    /// <summary>Its connections that the scan pool has. Owned by the pool, under its lock.</summary>
    public int Scans { get; set; }

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
        Pace.PayForCall(bytes);
    }

    /// <summary>Answers have been written.</summary>
    /// <param name="isPaced">False for those of an operator's calls, which count for no pace.</param>
    public void PayForAnswers(long bytes, bool isPaced)
    {
        ByteRate?.Take(bytes, clock.NowMs);
        if (isPaced)
        {
            Pace.CountAnswers(bytes);
        }
    }

    /// <summary>
    /// Whether it has used up what its rates and its pace allow, so that no further call of it is read.
    /// </summary>
    public bool IsSpent =>
        CallRate?.IsSpent(clock.NowMs) == true || ByteRate?.IsSpent(clock.NowMs) == true || Pace.IsSpent;

    /// <summary>Whether a connection that has not waited yet has to: those that wait already come first.</summary>
    public bool HasToWait => Interlocked.Read(ref _waiting) > Interlocked.Read(ref _waited) || IsSpent;

    /// <summary>Whether a costly read may go on: as for the first in the line, if there is a turn's worth.</summary>
    public bool MayScan => WaitMs(Interlocked.Read(ref _waited) + 1) == 0;

    /// <summary>
    /// A connection that <see cref="HasToWait"/> waits until it may go on. Connections stand in line: if all went on as
    /// soon as there was enough for one, most would wake up for nothing.
    /// </summary>
    /// <param name="isEnding">Whether the connection is to wait no longer.</param>
    public async Task WaitAsync(Func<bool> isEnding, TimeProvider time)
    {
        long ticket = EnterLine();
        while (!isEnding() && WaitMs(ticket) is > 0 and long waitMs)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(waitMs, MaxSleepMs)), time);
        }

        LeaveLine();
    }

    /// <summary>A connection has to wait; <see cref="LeaveLine"/> follows.</summary>
    public long EnterLine() => Interlocked.Increment(ref _waiting);

    public void LeaveLine() => Interlocked.Increment(ref _waited);

    /// <summary>How long the connection has to wait yet.</summary>
    /// <param name="ticket">Given by <see cref="EnterLine"/>.</param>
    public long WaitMs(long ticket)
    {
        long place = Math.Max(1, ticket - Interlocked.Read(ref _waited));
        long rates = Math.Max(CallRate?.WaitMs(clock.NowMs, place) ?? 0, ByteRate?.WaitMs(clock.NowMs, place) ?? 0);
        return Math.Max(rates, Pace.WaitMs(place));
    }
}
