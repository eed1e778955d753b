using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using BenchmarkDotNet.Attributes;
using HdrHistogram;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using static System.Diagnostics.Stopwatch;

namespace KvCloud.Bench.Micro;

/// <summary>What carries the messages of <see cref="TransportBenchmarks"/>.</summary>
public enum TransportKind
{
    /// <summary>The replicas' own, <see cref="TcpTransport"/>.</summary>
    Own = 0,

    /// <summary>Kestrel's sockets and pipes at its defaults.</summary>
    Kestrel = 1,

    /// <summary>Kestrel's, with what it can do on the thread at hand done there.</summary>
    KestrelInline = 2,
}

/// <summary>
/// Two peers in this process over loopback: one message there and its answer back, and a stream in one direction. The
/// same messages, codec and checksums by either transport; whoever brings an answer sends the next message, as in a
/// replica. Median, 99th percentile and processor time are written when a benchmark ends.
/// </summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls the clean-up, and derives from this.")]
public class TransportBenchmarks
{
    private const int RoundTrips = 200;
    private const int Streamed = 4_000;

    /// <summary>Messages of a stream under way: 1 MB, so that neither side's queue is ever full.</summary>
    private const int Window = 256;

    private const int PayloadBytes = 4 * 1024;
    private const int WarmUpInvocations = 3;
    private const int ThirtySecondsMs = 30_000;

    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);
    private static readonly Ballot OfOne = new(1, One);

    private readonly Message[] _heartbeat = [new Heartbeat(One, Two, OfOne, 1, Slot.Zero, Slot.Zero)];
    private readonly Message[] _heartbeatReply = [new HeartbeatReply(Two, One, OfOne, 1, Slot.Zero, Slot.Zero)];
    private readonly Message[] _accept = [AcceptOf(new byte[PayloadBytes])];
    private readonly Message[] _accepted = [new Accepted(Two, One, OfOne, [new Slot(1)])];
    private readonly AutoResetEvent _done = new(false);
    private readonly LongHistogram _times = new(1, 10 * Frequency, 3);
    private ITransportPair _pair = null!;
    private BusyPool? _busy;
    private Message[] _next = [];
    private int _left;
    private long _sentAt;
    private int _streamed;
    private long _operations;
    private TimeSpan _processor;
    private int _invocations;

    /// <summary>What carries the messages.</summary>
    [Params(TransportKind.Own, TransportKind.Kestrel, TransportKind.KestrelInline)]
    public TransportKind Transport { get; set; }

    /// <summary>Whether the thread pool has 64 other things to do, of 50 µs each, all the time.</summary>
    [Params(false, true)]
    public bool BusyThreadPool { get; set; }

    private bool IsWarm => _invocations >= WarmUpInvocations;

    /// <summary>Connects the peers.</summary>
    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _pair = Transport == TransportKind.Own
            ? new OwnTransportPair()
            : new KestrelTransportPair(isInline: Transport == TransportKind.KestrelInline);
        await _pair.StartAsync(ReceivedByOne, ReceivedByTwo).ConfigureAwait(false);
        _busy = BusyThreadPool ? new BusyPool() : null;
    }

    /// <summary>Writes what BenchmarkDotNet has no column for, and disconnects them.</summary>
    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        _busy?.Dispose();
        await _pair.DisposeAsync().ConfigureAwait(false);
        double processor = _processor.TotalMicroseconds / Math.Max(1, _operations);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"// {Transport}, busy {BusyThreadPool}: {_times.TotalCount} round trips, p50 {Percentile(50):F1} µs,"
            + $" p99 {Percentile(99):F1} µs; {_operations} operations, processor {processor:F1} µs each, with all else"
            + $" in the process"));
        _done.Dispose();
    }

    /// <summary>A heartbeat of 60 bytes and its answer.</summary>
    [Benchmark(OperationsPerInvoke = RoundTrips)]
    public void HeartbeatRoundTrip() => PingPong(_heartbeat);

    /// <summary>An Accept of 4 KB and its answer.</summary>
    [Benchmark(OperationsPerInvoke = RoundTrips)]
    public void AcceptRoundTrip() => PingPong(_accept);

    /// <summary>Accepts of 4 KB, up to 256 of them under way.</summary>
    [Benchmark(OperationsPerInvoke = Streamed)]
    public void AcceptStream()
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        Volatile.Write(ref _streamed, 0);
        for (int sent = 0; sent < Streamed; sent++)
        {
            if (sent >= Window && sent % (Window / 2) == 0)
            {
                WaitUntilStreamed(sent - (Window / 2));
            }

            _pair.SendFromOne(_accept);
        }

        WaitUntilStreamed(Streamed);
        Count(Streamed, before);
    }

    private static Accept AcceptOf(byte[] payload)
    {
        new Random(1).NextBytes(payload);
        var entry = new LogEntry(new Slot(1), OfOne, new Value(OfOne, ValueKind.Commands, payload));
        return new Accept(One, Two, OfOne, Slot.Zero, [entry]);
    }

    private void PingPong(Message[] message)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        _next = message;
        Volatile.Write(ref _left, RoundTrips);
        SendNext();
        Await();
        Count(RoundTrips, before);
    }

    private void SendNext()
    {
        _sentAt = GetTimestamp();
        _pair.SendFromOne(_next);
    }

    private void ReceivedByOne(IReadOnlyList<Message> messages)
    {
        if (IsWarm)
        {
            _times.RecordValue(Math.Clamp(GetTimestamp() - _sentAt, 1, 10 * Frequency));
        }

        if (--_left > 0)
        {
            SendNext();
        }
        else
        {
            _done.Set();
        }
    }

    private void ReceivedByTwo(IReadOnlyList<Message> messages)
    {
        if (Volatile.Read(ref _left) > 0)
        {
            _pair.SendFromTwo(messages[0] is Heartbeat ? _heartbeatReply : _accepted);
            return;
        }

        int before = _streamed;
        int now = before + messages.Count;
        Volatile.Write(ref _streamed, now);
        if (now / (Window / 2) != before / (Window / 2) || now == Streamed)
        {
            _done.Set();
        }
    }

    private void WaitUntilStreamed(int count)
    {
        while (Volatile.Read(ref _streamed) < count)
        {
            Await();
        }
    }

    private void Await()
    {
        if (!_done.WaitOne(ThirtySecondsMs))
        {
            throw new BenchException("A message between the two peers is lost.");
        }
    }

    /// <summary>The first invocations have the code compiled, and count for nothing.</summary>
    private void Count(int operations, TimeSpan processorBefore)
    {
        if (IsWarm)
        {
            _operations += operations;
            _processor += Environment.CpuUsage.TotalTime - processorBefore;
        }

        _invocations++;
    }

    private double Percentile(double percent) =>
        _times.TotalCount == 0 ? 0 : _times.GetValueAtPercentile(percent) * 1e6 / Frequency;
}
