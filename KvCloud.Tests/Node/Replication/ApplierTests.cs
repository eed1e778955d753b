using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Replication;

public sealed class ApplierTests : IDisposable
{
    private readonly MemoryKvStore _store = new();
    private readonly KvStoreExecutor _executor;
    private readonly ManualClock _clock = new();
    private readonly Applier _applier;
    private readonly CommandBatchWriter _writer = new();
    private Exception? _failure;
    private long _slot;

    public ApplierTests()
    {
        _executor = new KvStoreExecutor(_store);
        _applier = new Applier(
            _executor,
            new ManualRuntime(_clock),
            new SlotTraces(new NodeId(0), []),
            new ReplicationOptions().HashEverySlots,
            exception => _failure = exception);
    }

    public void Dispose()
    {
        _executor.Dispose();
        _store.Dispose();
        Assert.Null(_failure);
    }

    [Fact]
    public void Enqueue_write_that_somebody_waits_for_is_due_at_once()
    {
        Write write = NewWrite("k");

        Assert.Equal(Due.Inline, _applier.Enqueue(Entry("k"), [write]));
        Assert.True(_applier.IsDue(RunReason.Woken));
        Assert.True(_applier.Run());

        Assert.Equal(KvStatus.Ok, write.Result?.Code);
        Assert.Equal(new Slot(1), _applier.AppliedSlot);
    }

    [Fact]
    public void Enqueue_slot_that_nobody_waits_for_waits_for_the_next_tick()
    {
        Assert.Equal(Due.No, _applier.Enqueue(Entry("k"), null));
        Assert.False(_applier.IsDue(RunReason.Woken));
        Assert.False(_applier.Run());

        Assert.Equal(Due.OwnThread, _applier.ApplyWaiting());
        Assert.True(_applier.Run());
        Assert.Equal(new Slot(1), _applier.AppliedSlot);
    }

    [Fact]
    public void Enqueue_many_bytes_need_no_tick()
    {
        int slots = 0;
        while (_applier.Enqueue(Entry(new string('k', 1_000)), null) == Due.No)
        {
            slots++;
        }

        Assert.InRange(slots, 50, 65);
        Assert.True(_applier.Run());
        Assert.Equal(new Slot(slots + 1), _applier.AppliedSlot);
    }

    [Fact]
    public void Enqueue_slots_that_wait_go_with_the_first_that_is_wanted()
    {
        _applier.Enqueue(Entry("a"), null);
        _applier.Enqueue(Entry("b"), null);
        _applier.Enqueue(Entry("c"), [NewWrite("c")]);

        Assert.True(_applier.Run());
        Assert.Equal(new Slot(3), _applier.AppliedSlot);
        Assert.False(_applier.Run());
    }

    [Fact]
    public void Enqueue_several_writes_or_a_write_behind_others_are_for_the_own_thread()
    {
        Assert.Equal(Due.OwnThread, _applier.Enqueue(Entry("k", "k"), [NewWrite("k"), NewWrite("k")]));
        Assert.Equal(Due.OwnThread, _applier.Enqueue(Entry("k"), [NewWrite("k")]));
    }

    [Fact]
    public void Enqueue_reader_that_waits_needs_no_tick()
    {
        var read = new Read { DeadlineMs = long.MaxValue };
        Assert.True(_applier.Reads.WaitForApplied(new Slot(1), read));

        Assert.Equal(Due.OwnThread, _applier.Enqueue(Entry("k"), null));
        Assert.True(_applier.Run());
        Assert.Equal(new ReadOutcome(ReadStatus.Ready, new Slot(1)), read.Outcome);
    }

    [Fact]
    public void Complete_writes_of_a_slot_are_announced_only_when_all_have_their_answers()
    {
        Write[] writes = [.. Enumerable.Range(0, 50).Select(i => NewWrite($"k{i}"))];
        int earliest = int.MaxValue;
        foreach (Write write in writes)
        {
            write.OnAnnounced = () => earliest = Math.Min(earliest, writes.Count(other => other.IsFinished));
        }

        _applier.Enqueue(Entry([.. Enumerable.Range(0, 50).Select(i => $"k{i}")]), writes);
        _applier.Run();

        Assert.Equal(50, earliest);
        Assert.All(writes, write => Assert.True(write.IsAnnounced));
    }

    [Fact]
    public void Close_what_still_waits_is_due()
    {
        _applier.Enqueue(Entry("k"), null);
        _applier.Close();

        Assert.True(_applier.IsDue(RunReason.Woken));
        Assert.True(_applier.Run());
        Assert.Equal(new Slot(1), _applier.AppliedSlot);
    }

    [Fact]
    public void TryBegin_batches_end_where_hashes_are_compared()
    {
        for (int i = 0; i < 300; i++)
        {
            _applier.Enqueue(Entry("k"), null);
        }

        _applier.ApplyWaiting();
        Assert.True(_applier.Run());
        Assert.Equal((new Slot(256), new Slot(256)), (_applier.AppliedSlot, _applier.Hashed.Slot));
        Assert.True(_applier.Run());
        Assert.Equal((new Slot(300), new Slot(256)), (_applier.AppliedSlot, _applier.Hashed.Slot));
    }

    [Fact]
    public void Abandon_writes_that_wait_are_told_that_their_outcome_is_unknown_one_broken_answer_or_not()
    {
        Write broken = NewWrite("a");
        broken.OnAnnounced = () => throw new InvalidOperationException("broken");
        Write other = NewWrite("b");
        _applier.Enqueue(Entry("a"), [broken]);
        _applier.Enqueue(Entry("b"), [other]);

        _applier.Abandon();

        Assert.IsType<InvalidOperationException>(_failure);
        Assert.Equal(KvStatus.OutcomeUnknown, other.Result?.Code);
        _failure = null;
    }

    [Fact]
    public void Enqueue_after_a_failure_the_write_of_a_step_that_was_on_its_way_is_told_that_too()
    {
        _applier.Abandon();
        Write write = NewWrite("k");

        Assert.Equal(Due.No, _applier.Enqueue(Entry("k"), [write]));
        Assert.Equal(KvStatus.OutcomeUnknown, write.Result?.Code);
    }

    private static Write NewWrite(string key) => new() { Command = Command(key), DeadlineMs = long.MaxValue };

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

    private sealed class Read : PendingRead
    {
        public ReadOutcome? Outcome { get; private set; }

        protected override void Complete(in ReadOutcome outcome) => Outcome = outcome;
    }

    private sealed class Write : PendingWrite
    {
        public CommandResult? Result { get; private set; }

        public bool IsAnnounced { get; private set; }

        public Action? OnAnnounced { get; set; }

        public override void Announce()
        {
            IsAnnounced = true;
            OnAnnounced?.Invoke();
        }

        protected override void Complete(in CommandResult result) => Result = result;
    }
}
