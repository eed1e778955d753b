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
        _loop = new ApplyLoop(_executor, exception => _failure = exception);
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
        _loop.Enqueue(Entry("k"), [write]);

        Assert.Equal(ErrorCode.OK, (await write.Answer.WaitAsync(TimeSpan.FromSeconds(30))).Code);
        Assert.Equal(new Slot(1), _loop.AppliedSlot);
    }

    [Fact]
    public async Task Slot_that_nobody_waits_for_waits_for_the_next_tick()
    {
        _loop.Start();
        _loop.Enqueue(Entry("k"), null);
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
            _loop.Enqueue(Entry(new string('k', 1_000)), null);
        }

        await Eventually.TrueAsync(() => _loop.AppliedSlot >= new Slot(50), () => "most of it is applied");
    }

    [Fact]
    public async Task Slots_wait_for_company_and_go_with_the_first_that_is_wanted()
    {
        _loop.Start();
        _loop.Enqueue(Entry("a"), null);
        _loop.Enqueue(Entry("b"), null);
        var write = new Write { Command = Command("c"), DeadlineTickMs = long.MaxValue };
        _loop.Enqueue(Entry("c"), [write]);

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
        _loop.Enqueue(Entry("k"), null);
        applied ??= _loop.WaitForAsync(new Slot(1));

        await applied.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(new Slot(1), _loop.AppliedSlot);
    }

    [Fact]
    public void What_still_waits_at_the_end_is_applied()
    {
        _loop.Start();
        _loop.Enqueue(Entry("k"), null);
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
        _loop.Enqueue(Entry([.. Enumerable.Range(0, 50).Select(i => $"k{i}")]), writes);
        await writes[^1].Announced.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(50, earliest);
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
