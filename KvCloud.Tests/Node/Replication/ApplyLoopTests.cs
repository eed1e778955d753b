using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Node.Replication;

public sealed class ApplyLoopTests : IDisposable
{
    private readonly MemoryKvStore _store = new();
    private readonly KvStoreExecutor _executor;
    private readonly ApplyLoop _loop;
    private readonly CommandBatchWriter _writer = new();
    private volatile Exception? _failure;
    private long _slot;

    public ApplyLoopTests()
    {
        _executor = new KvStoreExecutor(_store);
        _loop = new ApplyLoop(_executor, new SlotTraces(new NodeId(0), []), exception => _failure = exception);
    }

    public void Dispose()
    {
        _loop.Dispose();
        _executor.Dispose();
        _store.Dispose();
        Assert.Null(_failure);
    }

    [Fact]
    public async Task Write_that_somebody_waits_for_is_applied_at_once()
    {
        _loop.Start();
        var write = new Write { Command = Command("k"), DeadlineTickMs = long.MaxValue };
        _loop.Enqueue(Entry("k"), [write], mayLeave: false);

        Assert.Equal(ErrorCode.OK, (await write.Answer.WaitAsync(TimeSpan.FromSeconds(30))).Code);
        Assert.Equal(new Slot(1), _loop.AppliedSlot);
    }

    [Fact]
    public async Task Slot_that_nobody_waits_for_waits_for_the_next_tick()
    {
        _loop.Start();
        _loop.Enqueue(Entry("k"), null, mayLeave: false);
        await Task.Delay(300);
        Assert.Equal(Slot.Zero, _loop.AppliedSlot);

        _loop.ApplyWaiting();
        await Eventually.TrueAsync(() => _loop.AppliedSlot == new Slot(1), () => "the slot is applied");
    }

    [Fact]
    public async Task Much_that_waits_needs_no_tick()
    {
        _loop.Start();
        for (int i = 0; i < 100; i++)
        {
            _loop.Enqueue(Entry(new string('k', 1_000)), null, mayLeave: false);
        }

        await Eventually.TrueAsync(() => _loop.AppliedSlot >= new Slot(50), () => "most of it is applied");
    }

    [Fact]
    public async Task Slots_wait_for_company_and_go_with_the_first_that_is_wanted()
    {
        _loop.Start();
        _loop.Enqueue(Entry("a"), null, mayLeave: false);
        _loop.Enqueue(Entry("b"), null, mayLeave: false);
        var write = new Write { Command = Command("c"), DeadlineTickMs = long.MaxValue };
        _loop.Enqueue(Entry("c"), [write], mayLeave: false);

        await write.Answer.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(new Slot(3), _loop.AppliedSlot);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reader_that_waits_for_a_slot_needs_no_tick(bool comesFirst)
    {
        _loop.Start();
        Task? applied = comesFirst ? _loop.WaitForAsync(new Slot(1)) : null;
        _loop.Enqueue(Entry("k"), null, mayLeave: false);
        applied ??= _loop.WaitForAsync(new Slot(1));

        await applied.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(new Slot(1), _loop.AppliedSlot);
    }

    [Fact]
    public void What_still_waits_at_the_end_is_applied()
    {
        _loop.Start();
        _loop.Enqueue(Entry("k"), null, mayLeave: false);
        _loop.Dispose();

        Assert.Equal(new Slot(1), _loop.AppliedSlot);
    }

    [Fact]
    public async Task Writes_of_a_slot_are_announced_only_when_all_have_their_answers()
    {
        Write[] writes = [.. Enumerable.Range(0, 50).Select(i => new Write
        {
            Command = Command($"k{i}"),
            DeadlineTickMs = long.MaxValue,
        })];
        int earliest = int.MaxValue;
        foreach (Write write in writes)
        {
            write.OnAnnounced = () => earliest = Math.Min(earliest, writes.Count(other => other.IsFinished));
        }

        _loop.Start();
        _loop.Enqueue(Entry([.. Enumerable.Range(0, 50).Select(i => $"k{i}")]), writes, mayLeave: false);
        await writes[^1].Announced.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(50, earliest);
    }

    [Fact]
    public async Task Write_that_is_alone_is_left_to_a_caller_that_has_time()
    {
        var write = new Write { Command = Command("b"), DeadlineTickMs = long.MaxValue };
        Assert.False(_loop.Enqueue(Entry("a"), null, mayLeave: true));
        Assert.True(_loop.Enqueue(Entry("b"), [write], mayLeave: true));
        Assert.Equal(Slot.Zero, _loop.AppliedSlot);

        // The loop's own thread was not even started.
        _loop.ApplyHere();
        Assert.Equal(new Slot(2), _loop.AppliedSlot);
        Assert.Equal(ErrorCode.OK, (await write.Answer).Code);
        Assert.True(write.Announced.IsCompleted);
    }

    [Fact]
    public void Writes_in_company_are_not_left()
    {
        Write[] writes = [.. Enumerable.Range(0, 2).Select(i => new Write { Command = Command("k"), DeadlineTickMs = long.MaxValue })];

        Assert.False(_loop.Enqueue(Entry("k", "k"), writes, mayLeave: true));
    }

    [Fact]
    public void Write_that_is_left_when_the_end_comes_is_applied()
    {
        _loop.Start();
        Assert.True(_loop.Enqueue(
            Entry("k"), [new Write { Command = Command("k"), DeadlineTickMs = long.MaxValue }], mayLeave: true));
        _loop.Dispose();

        Assert.Equal(new Slot(1), _loop.AppliedSlot);
    }

    [Fact]
    public async Task Nothing_is_applied_after_a_failure_on_any_thread()
    {
        _loop.Start();
        var broken = new Write { Command = Command("k"), DeadlineTickMs = long.MaxValue };
        broken.OnAnnounced = () => throw new InvalidOperationException("broken");
        Assert.True(_loop.Enqueue(Entry("k"), [broken], mayLeave: true));
        _loop.ApplyHere();
        Assert.IsType<InvalidOperationException>(_failure);

        _loop.Enqueue(Entry("k"), null, mayLeave: true);
        _loop.ApplyWaiting();
        _loop.ApplyHere();
        await Task.Delay(100);
        Assert.Equal(new Slot(1), _loop.AppliedSlot);
        _failure = null;
    }

    [Fact]
    public async Task Whoever_applies_every_slot_is_applied_once_and_in_order()
    {
        const int Count = 5_000;
        _loop.Start();
        var random = new Random(1);
        var writes = new List<Write>();
        Task others = Task.Run(() =>
        {
            while (_loop.AppliedSlot < new Slot(Count) && _failure is null)
            {
                _loop.ApplyHere();
            }
        });
        for (int i = 0; i < Count; i++)
        {
            var write = new Write { Command = Command($"k{i}"), DeadlineTickMs = long.MaxValue };
            writes.Add(write);
            if (_loop.Enqueue(Entry($"k{i}"), [write], mayLeave: random.Next(3) > 0))
            {
                _loop.ApplyHere();
            }
        }

        // Each write is answered once, in order or not at all: TaskCompletionSource and the store see to that.
        await Task.WhenAll(writes.Select(write => write.Answer)).WaitAsync(TimeSpan.FromSeconds(60));
        await others.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(new Slot(Count), _executor.AppliedSlot);
    }

    private static byte[] Command(string key) => CommandCodec.Encode(
        new SetCommand(null, Text(key), Text("value")));

    private static byte[] Text(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private ChosenEntry Entry(params string[] keys)
    {
        foreach (string key in keys)
        {
            _writer.Add(Command(key));
        }

        byte[] payload = _writer.Build(1_000_000, MvccRetention.Default);
        return new ChosenEntry(new Slot(++_slot), new Value(new Ballot(1, new NodeId(0)), ValueKind.Commands, payload));
    }

    private sealed class Write : PendingWrite
    {
        private readonly TaskCompletionSource<CommandResult> _answer =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        private readonly TaskCompletionSource _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<CommandResult> Answer => _answer.Task;

        public Task Announced => _announced.Task;

        public Action? OnAnnounced { get; set; }

        public override void Announce()
        {
            OnAnnounced?.Invoke();
            _announced.TrySetResult();
        }

        protected override void Complete(in CommandResult result) => _answer.SetResult(result);
    }
}
