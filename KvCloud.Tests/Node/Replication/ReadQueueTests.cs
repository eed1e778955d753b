using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Tests.Consensus;

namespace KvCloud.Tests.Node.Replication;

/// <summary>The queue before a real core, whose answers the test makes up.</summary>
public sealed class ReadQueueTests
{
    private readonly ManualClock _clock = new();
    private readonly FreshnessTracker _freshness = new();
    private readonly ReadQueue _queue;
    private Slot _applied = new(5);

    public ReadQueueTests() => _queue = new ReadQueue(_clock, () => _applied);

    [Fact]
    public void Join_reads_that_come_while_one_is_asked_for_share_the_next()
    {
        Read first = Join();
        Assert.True(_queue.IsDue);
        long firstId = Ask();
        Read second = Join();
        Read third = Join();
        Assert.False(_queue.IsDue);
        Assert.Equal(0, Ask());

        Answer(firstId, confirmed: true, slot: 5);
        Assert.Equal(new ReadOutcome(ReadStatus.Ready, new Slot(5)), first.Outcome);
        Assert.Null(second.Outcome);
        Assert.True(_queue.IsDue);

        long secondId = Ask();
        Assert.NotEqual(firstId, secondId);
        Answer(secondId, confirmed: true, slot: 5);
        Assert.Equal((ReadStatus.Ready, ReadStatus.Ready), (second.Outcome!.Value.Status, third.Outcome!.Value.Status));
    }

    [Fact]
    public void Answered_an_old_answer_serves_nobody()
    {
        Join();
        long firstId = Ask();
        Answer(firstId, confirmed: true, slot: 5);
        Read second = Join();
        Ask();

        Answer(firstId, confirmed: true, slot: 5);
        Assert.Null(second.Outcome);
    }

    [Fact]
    public void GiveUpUnapplied_answers_what_waits_for_a_slot_and_nothing_else()
    {
        Read unapplied = Join();
        Answer(Ask(), confirmed: true, slot: 7);
        Read asking = Join();
        Ask();

        _queue.GiveUpUnapplied();

        Assert.Equal(new ReadOutcome(ReadStatus.NotFollowing, new Slot(7)), unapplied.Outcome);
        Assert.Null(asking.Outcome);
        Assert.False(_queue.IsAnyUnapplied);
    }

    [Fact]
    public void GiveUpLate_answers_what_will_not_be_applied_by_its_deadline_unless_it_can_ask_no_other_replica()
    {
        Read near = Join();
        Answer(Ask(), confirmed: true, slot: 7);
        Read far = Join();
        Answer(Ask(), confirmed: true, slot: 8);
        var bound = new Read { DeadlineMs = long.MaxValue, IsBoundToReplica = true };
        _queue.WaitForApplied(new Slot(8), bound);

        _queue.GiveUpLate(ms => new Slot(ms < 500 ? 7 : 8));
        Assert.Null(far.Outcome);
        _queue.GiveUpLate(_ => new Slot(7));

        Assert.Equal(new ReadOutcome(ReadStatus.Behind, new Slot(8)), far.Outcome);
        Assert.Equal((null, null), (near.Outcome, bound.Outcome));
        Apply(8);
        Assert.Equal((ReadStatus.Ready, ReadStatus.Ready), (near.Outcome?.Status, bound.Outcome?.Status));
        Assert.False(_queue.IsAnyUnapplied);
    }

    [Fact]
    public void Answered_read_waits_until_its_slot_is_applied()
    {
        Read read = Join();
        Answer(Ask(), confirmed: true, slot: 7);
        Assert.True(_queue.IsAnyUnapplied);
        Assert.True(read.IsConfirmed);

        Apply(6);
        Assert.Null(read.Outcome);
        Apply(8);
        Assert.Equal(new ReadOutcome(ReadStatus.Ready, new Slot(7)), read.Outcome);
        Assert.False(_queue.IsAnyUnapplied);
    }

    [Fact]
    public void Answered_unconfirmed_reads_ask_again_after_a_pause_under_a_new_id()
    {
        Read read = Join();
        long firstId = Ask();
        Answer(firstId, confirmed: false, slot: 0);
        Assert.Equal(0, Ask());

        _clock.NowUs += 20_000;
        long secondId = Ask();
        Assert.True(secondId > firstId);
        Answer(secondId, confirmed: true, slot: 5);
        Assert.Equal(ReadStatus.Ready, read.Outcome!.Value.Status);
    }

    [Fact]
    public void Expire_reads_are_told_what_they_waited_for_wherever_they_are()
    {
        Read unapplied = Join(deadlineMs: 100);
        Answer(Ask(), confirmed: true, slot: 9);
        Read retrying = Join(deadlineMs: 100);
        Answer(Ask(), confirmed: false, slot: 0);
        Read asking = Join(deadlineMs: 100);
        Read patient = Join(deadlineMs: 1_000);
        long id = Ask();
        Read joining = Join(deadlineMs: 100);
        _queue.Expire(nowMs: 99);
        Assert.Null(unapplied.Outcome);

        _queue.Expire(nowMs: 100);

        Assert.Equal(new ReadOutcome(ReadStatus.NotApplied, new Slot(9)), unapplied.Outcome);
        Assert.All(
            [retrying, asking, joining],
            read => Assert.Equal(ReadStatus.NotConfirmed, read.Outcome!.Value.Status));
        Assert.False(_queue.IsAnyUnapplied);
        Answer(id, confirmed: true, slot: 5);
        Assert.Equal(ReadStatus.Ready, patient.Outcome!.Value.Status);
        Assert.Equal(ReadStatus.NotConfirmed, asking.Outcome!.Value.Status);
    }

    [Fact]
    public void Close_everybody_is_answered_and_so_is_who_comes_later()
    {
        Read unapplied = Join();
        Answer(Ask(), confirmed: true, slot: 9);
        Read asking = Join();
        Ask();
        Read joining = Join();

        _queue.Close();

        Assert.All(
            [unapplied, asking, joining, Join()],
            read => Assert.Equal(ReadStatus.NotConfirmed, read.Outcome!.Value.Status));
    }

    [Fact]
    public void WaitForApplied_after_the_end_is_answered()
    {
        _queue.Close();
        var read = new Read { DeadlineMs = long.MaxValue };

        Assert.False(_queue.WaitForApplied(new Slot(9), read));
        Assert.Equal(ReadStatus.NotConfirmed, read.Outcome!.Value.Status);
        Assert.False(_queue.IsAnyUnapplied);
    }

    [Fact]
    public void Answered_unconfirmed_read_without_time_for_another_attempt_is_told_before_its_deadline()
    {
        Read hasNoTime = Join(deadlineMs: 20);
        Read hasTime = Join(deadlineMs: 21);

        Answer(Ask(), confirmed: false, slot: 0);

        Assert.Equal(ReadStatus.NotConfirmed, hasNoTime.Outcome!.Value.Status);
        Assert.Null(hasTime.Outcome);
    }

    [Fact]
    public void Answered_the_replica_is_as_fresh_as_the_moment_before_the_read_index_was_asked_for()
    {
        _clock.NowUs = 50_000;
        Join();
        long id = Ask();
        _clock.NowUs = 80_000;
        Answer(id, confirmed: true, slot: 5);
        _freshness.Applied(_applied);

        Assert.Equal(50, _freshness.FreshAsOfMs);
    }

    private Read Join(long deadlineMs = long.MaxValue)
    {
        var read = new Read { DeadlineMs = deadlineMs };
        _queue.Join(read);
        return read;
    }

    /// <returns>The id under which the core was asked; 0 when it was not.</returns>
    private long Ask()
    {
        // A core that knows no leader refuses at once, and so tells the id.
        var node = new NodeUnderTest(0, voters: 3);
        node.Do(core => _queue.Ask(core, _clock.NowMs));
        return node.Reads.Count == 0 ? 0 : node.Reads[0].Id;
    }

    private void Answer(long id, bool confirmed, long slot) =>
        _queue.Answered(new ReadIndexResult(id, confirmed, new Slot(slot)), _freshness);

    private void Apply(long slot)
    {
        _applied = new Slot(slot);
        _queue.Release(_applied);
    }

    private sealed class Read : PendingRead
    {
        public ReadOutcome? Outcome { get; private set; }

        public bool IsConfirmed { get; private set; }

        public override void Confirmed(Slot readIndex) => IsConfirmed = true;

        protected override void Complete(in ReadOutcome outcome) => Outcome = outcome;
    }
}
