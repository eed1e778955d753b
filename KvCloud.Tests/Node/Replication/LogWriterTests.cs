using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Node.Replication;

public sealed class LogWriterTests : IDisposable
{
    private static readonly NodeId Self = new(0);

    private readonly MemoryPaxosLog _log = new();
    private readonly LogWriter _writer;
    private volatile int _released;
    private volatile int _releasedBy;
    private volatile Exception? _failure;

    public LogWriterTests()
    {
        _writer = new LogWriter(_log, new SlotTraces(new NodeId(0), []), Release, exception => _failure = exception);
        _writer.Start();
    }

    public void Dispose()
    {
        _writer.Dispose();
        Assert.Null(_failure);
    }

    [Fact]
    public async Task Entry_is_written_and_what_waited_for_it_released()
    {
        _writer.Write(Entry(1), mayLeave: false);

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
        Assert.Equal(new Slot(1), _log.LastSlot);
    }

    [Fact]
    public async Task Hint_waits_until_it_is_asked_for()
    {
        _writer.Write(Hint(1), mayLeave: false);
        await Task.Delay(100);
        Assert.Equal(Slot.Zero, _log.ChosenSlot);

        _writer.WriteHints();
        await Eventually.TrueAsync(() => _log.ChosenSlot == new Slot(1), () => "the hint is written");
    }

    [Fact]
    public async Task Hint_goes_with_the_next_entry()
    {
        _writer.Write(Hint(1), mayLeave: false);
        _writer.Write(Entry(2), mayLeave: false);

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
        Assert.Equal(new Slot(1), _log.ChosenSlot);
    }

    [Fact]
    public async Task Message_that_waits_for_earlier_writes_is_no_hint()
    {
        var effects = new Effects();
        effects.SendAfterPersist.Add(new ReadIndexRequest(Self, Self, 1));
        _writer.Write(effects, mayLeave: false);

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
    }

    [Fact]
    public void Hint_is_written_at_the_end()
    {
        _writer.Write(Hint(1), mayLeave: false);
        _writer.Dispose();

        Assert.Equal(new Slot(1), _log.ChosenSlot);
    }

    [Fact]
    public void Small_write_that_is_alone_is_left_to_a_caller_that_has_time()
    {
        Assert.False(_writer.Write(Hint(1), mayLeave: true));
        Assert.True(_writer.Write(Entry(1), mayLeave: true));
        Assert.Equal(Slot.Zero, _log.LastSlot);

        _writer.WriteHere();
        Assert.Equal((1, Environment.CurrentManagedThreadId), (_released, _releasedBy));
        Assert.Equal((new Slot(1), new Slot(1)), (_log.LastSlot, _log.ChosenSlot));
    }

    [Fact]
    public async Task Large_write_is_not_left()
    {
        Assert.False(_writer.Write(Entry(1, bytes: 8_000), mayLeave: true));

        await Eventually.TrueAsync(() => _released == 1, () => "the message is released");
        Assert.NotEqual(Environment.CurrentManagedThreadId, _releasedBy);
    }

    [Fact]
    public async Task Write_that_comes_during_another_is_not_left()
    {
        using var isWriting = new ManualResetEventSlim();
        using var mayWrite = new ManualResetEventSlim();
        _log.Writing = _ =>
        {
            isWriting.Set();
            mayWrite.Wait(TimeSpan.FromSeconds(30));
        };
        Assert.True(_writer.Write(Entry(1), mayLeave: true));
        Task first = Task.Run(_writer.WriteHere);
        Assert.True(isWriting.Wait(TimeSpan.FromSeconds(30)));

        Assert.False(_writer.Write(Entry(2), mayLeave: true));
        _writer.WriteHere();
        Assert.Equal(Slot.Zero, _log.LastSlot);

        mayWrite.Set();
        await first.WaitAsync(TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(() => _released == 2, () => "the log's thread has written the second");
    }

    [Fact]
    public void Write_that_is_left_when_the_end_comes_is_written()
    {
        Assert.True(_writer.Write(Entry(1), mayLeave: true));
        _writer.Dispose();

        Assert.Equal(new Slot(1), _log.LastSlot);
    }

    [Fact]
    public async Task Nothing_is_written_after_a_failure_on_any_thread()
    {
        var failure = new LogFailedException("no space");
        _log.Writing = _ => throw failure;
        Assert.True(_writer.Write(Entry(1), mayLeave: true));
        _writer.WriteHere();
        Assert.Same(failure, _failure);

        _log.Writing = null;
        Assert.False(_writer.Write(Entry(2), mayLeave: true));
        _writer.WriteHere();
        await Task.Delay(100);
        _writer.Dispose();

        Assert.Equal((0, Slot.Zero), (_released, _log.LastSlot));
        _failure = null;
    }

    [Fact]
    public async Task Whoever_writes_the_order_is_that_of_the_calls()
    {
        const int Count = 20_000;
        long last = 0;
        int writers = 0;
        _log.Writing = writes =>
        {
            Assert.Equal(1, Interlocked.Increment(ref writers));
            foreach (LogEntry entry in writes.SelectMany(effects => effects.Append))
            {
                Assert.Equal(++last, entry.Slot.Value);
            }

            Interlocked.Decrement(ref writers);
        };
        long next = 0;
        var turn = new Lock();
        Task[] callers = [.. Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            bool isOver = false;
            while (!isOver)
            {
                bool isLeft;
                lock (turn)
                {
                    isOver = ++next > Count;
                    isLeft = !isOver && _writer.Write(Entry(next, bytes: random.Next(6_000)), random.Next(3) > 0);
                }

                if (isLeft)
                {
                    _writer.WriteHere();
                }
            }
        }))];

        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(60));
        await Eventually.TrueAsync(
            () => _released == Count || _failure is not null, () => $"all is written: {_released} of {Count}");
    }

    private void Release(IReadOnlyList<Message> messages)
    {
        _released += messages.Count;
        _releasedBy = Environment.CurrentManagedThreadId;
    }

    private static Effects Hint(long slot) => new() { ChosenSlot = new Slot(slot) };

    private static Effects Entry(long slot, int bytes = 0)
    {
        var ballot = new Ballot(1, Self);
        var effects = new Effects();
        effects.Append.Add(new LogEntry(new Slot(slot), ballot, new Value(ballot, ValueKind.Commands, new byte[bytes])));
        effects.SendAfterPersist.Add(new ReadIndexRequest(Self, Self, slot));
        return effects;
    }
}
