using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Consensus;

namespace KvCloud.Tests.Node.Replication;

/// <summary>Over a real core and a real executor; the test applies what is chosen, and moves the clock.</summary>
public sealed class WindowMoverTests : IDisposable
{
    private const int WindowMs = 8_000;

    private static readonly ReplicationOptions Options = new() { Retention = new MvccRetention(WindowMs, 1_000_000) };

    private readonly ManualClock _clock = new();
    private readonly NodeUnderTest _node = new(0, voters: 1);
    private readonly MemoryKvStore _store = new();
    private readonly KvStoreExecutor _executor;
    private readonly DriverInbox _inbox = new(100, long.MaxValue, 1_000, 10);
    private readonly ProposalQueue _queue;
    private readonly WindowMover _mover;

    public WindowMoverTests()
    {
        _executor = new KvStoreExecutor(_store);
        _queue = new ProposalQueue(Options, _inbox, new ManualRuntime(_clock), new SlotTraces(new NodeId(0), []));
        _mover = new WindowMover(Options, _clock, _executor);
        _node.At(1);
        Apply();
    }

    [Fact]
    public void Move_idle_leader_moves_the_window_to_its_end_and_then_proposes_no_more()
    {
        Write();
        Write();
        Assert.Equal(2, _executor.VersionsInWindow);

        int batches = Idle(forMs: 60_000);

        Assert.Equal(0, _executor.VersionsInWindow);
        Assert.InRange(batches, RetentionWindow.StepsPerWindow, RetentionWindow.StepsPerWindow + 2);
    }

    [Fact]
    public void Move_writes_go_on_no_batch_is_added()
    {
        Write();
        for (int i = 0; i < 100; i++)
        {
            Write();
            Assert.Equal(0, Idle(forMs: WindowMs / 16));
        }
    }

    [Fact]
    public void Move_new_store_with_nothing_written_proposes_nothing() => Assert.Equal(0, Idle(forMs: 60_000));

    [Fact]
    public void Move_what_was_chosen_is_not_applied_yet_waits()
    {
        Write();
        Add();
        _node.Do(_queue.Pump);
        _clock.NowUs += 60_000_000;
        Slot chosen = _node.Core.ChosenSlot;

        _node.Do(node => _mover.Move(node, _queue));

        Assert.Equal(chosen, _node.Core.ChosenSlot);
    }

    public void Dispose()
    {
        _executor.Dispose();
        _store.Dispose();
    }

    private void Write()
    {
        Add();
        _node.Do(node =>
        {
            _queue.Pump(node);
            _mover.Move(node, _queue);
        });
        Apply();
    }

    private void Add()
    {
        Assert.Null(_inbox.Post(new SetWrite(), out _));
        _queue.Add(_inbox.Take(new DriverInbox.Batch()).Writes);
    }

    /// <summary>Lets time pass in steps of the leader; how many batches it proposed by itself.</summary>
    private int Idle(int forMs)
    {
        Slot before = _node.Core.ChosenSlot;
        for (int ms = 0; ms < forMs; ms += 10)
        {
            _clock.NowUs += 10_000;
            _node.Do(node => _mover.Move(node, _queue));
            Apply();
        }

        return (int)(_node.Core.ChosenSlot.Value - before.Value);
    }

    private void Apply()
    {
        if (_node.Chosen.Count > 0)
        {
            foreach (ChosenEntry entry in _node.Chosen)
            {
                _queue.TakeChosen(entry);
            }

            _executor.Apply(_node.Chosen, observer: null);
            _node.Chosen.Clear();
        }
    }

    private sealed class SetWrite : PendingWrite
    {
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public SetWrite()
        {
            Command = CommandCodec.Encode(new SetCommand(null, "key"u8.ToArray(), "value"u8.ToArray()));
            DeadlineMs = long.MaxValue;
        }

        protected override void Complete(in CommandResult result)
        {
        }
    }
}
