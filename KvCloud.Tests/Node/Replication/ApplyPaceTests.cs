using KvCloud.Consensus;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replication;

public sealed class ApplyPaceTests
{
    private const int WindowMs = 400;
    private const int TickMs = 10;
    private const int FarSlots = 256;

    private readonly ApplyPace _pace = new(WindowMs, FarSlots);
    private long _nowMs = 1_000_000;
    private long _chosen;
    private long _applied;

    [Fact]
    public void IsBehind_replica_that_keeps_up_is_not_however_slowly_or_quickly_it_is_written_to()
    {
        Run(ms: 5_000, chosenEachTick: 0, appliedEachTick: 0);
        _chosen++;
        Run(ms: TickMs, chosenEachTick: 0, appliedEachTick: 1);

        // The newest slots are always on their way, and those of the tick before are applied.
        _chosen += 500;
        Run(ms: 5_000, chosenEachTick: 100, appliedEachTick: 100, check: () => Assert.False(_pace.IsBehind));
    }

    [Fact]
    public void ReachIn_of_a_replica_that_has_been_behind_for_a_window_is_what_it_applies_in_another()
    {
        _chosen = 100_000;
        Run(ms: WindowMs, chosenEachTick: 1, appliedEachTick: 5, check: () => Assert.False(_pace.IsBehind));

        Run(ms: 4_000, chosenEachTick: 1, appliedEachTick: 5, check: () => Assert.Equal(
            _applied + (5 * WindowMs / TickMs), _pace.ReachIn(WindowMs).Value));
    }

    [Fact]
    public void ReachIn_of_a_replica_that_applies_nothing_is_what_it_has()
    {
        Run(ms: 100, chosenEachTick: 1, appliedEachTick: 1);
        _chosen++;
        Run(ms: 2 * WindowMs, chosenEachTick: 0, appliedEachTick: 0);

        Assert.Equal(_applied, _pace.ReachIn(WindowMs).Value);
    }

    [Fact]
    public void ReachIn_follows_a_pace_that_changes_and_ends_once_everything_is_within_reach()
    {
        _chosen = 1_000;
        Run(ms: 2_000, chosenEachTick: 0, appliedEachTick: 0);
        Run(ms: 2 * WindowMs, chosenEachTick: 0, appliedEachTick: 5);
        Assert.Equal(_applied + (5 * WindowMs / TickMs), _pace.ReachIn(WindowMs).Value);

        Run(ms: 2_000, chosenEachTick: 1, appliedEachTick: 8);

        Assert.False(_pace.IsBehind);
    }

    /// <summary>It has caught up with what was chosen when it fell behind, and is as far behind as it was.</summary>
    [Fact]
    public void IsBehind_replica_that_stays_behind_is_all_the_time()
    {
        _chosen = 1_000;
        Run(ms: 2 * WindowMs, chosenEachTick: 5, appliedEachTick: 5);

        Run(ms: 10_000, chosenEachTick: 5, appliedEachTick: 5, check: () => Assert.True(
            _pace.IsBehind && _pace.ReachIn(WindowMs).Value < _chosen));
    }

    [Fact]
    public void IsBehind_process_that_was_held_up_does_not_know()
    {
        _chosen = 10;
        Run(ms: 100, chosenEachTick: 0, appliedEachTick: 0);
        _nowMs += 10_000;
        Run(ms: TickMs, chosenEachTick: 0, appliedEachTick: 0);

        Assert.False(_pace.IsBehind);
    }

    [Fact]
    public void IsFarBehind_replica_that_is_behind_by_fewer_slots_is_not()
    {
        _chosen = FarSlots - 1;
        Run(ms: 2 * WindowMs, chosenEachTick: 0, appliedEachTick: 0);
        Assert.Equal((true, false), (_pace.IsBehind, _pace.IsFarBehind));

        Run(ms: TickMs, chosenEachTick: 1, appliedEachTick: 0);
        Assert.True(_pace.IsFarBehind);
    }

    private void Run(int ms, int chosenEachTick, int appliedEachTick, Action? check = null)
    {
        for (int i = 0; i < ms / TickMs; i++)
        {
            _chosen += chosenEachTick;
            _applied = Math.Min(_chosen, _applied + appliedEachTick);
            _pace.Note(_nowMs, new Slot(_chosen), new Slot(_applied));
            check?.Invoke();
            _nowMs += TickMs;
        }
    }
}
