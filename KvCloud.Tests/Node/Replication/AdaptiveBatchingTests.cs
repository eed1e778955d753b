using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replication;

public sealed class AdaptiveBatchingTests
{
    private readonly ManualClock _clock = new();
    private readonly AdaptiveBatching _batching;

    public AdaptiveBatchingTests() => _batching = new AdaptiveBatching(_clock, TimeSpan.FromMilliseconds(1));

    [Fact]
    public void ShouldWait_of_a_write_that_came_alone_of_late_is_false()
    {
        Assert.False(_batching.ShouldWait(1));
        _batching.NoteProposed(1);
        Assert.False(_batching.ShouldWait(1));
    }

    [Fact]
    public void ShouldWait_writes_wait_for_as_many_as_the_last_two_slots_held_on_average()
    {
        _batching.NoteProposed(60);
        _batching.NoteProposed(40);

        Assert.Equal(50, _batching.TargetSize);
        Assert.True(_batching.ShouldWait(49));
        Assert.False(_batching.ShouldWait(50));
    }

    [Fact]
    public void ShouldWait_one_slot_of_two_writes_makes_nobody_wait()
    {
        _batching.NoteProposed(2);
        Assert.False(_batching.ShouldWait(1));
    }

    [Fact]
    public void ShouldWait_writes_wait_no_longer_than_the_limit_after_they_could_first_be_proposed()
    {
        _batching.NoteProposed(60);
        _batching.NoteProposed(60);
        _clock.NowUs += 500;

        Assert.True(_batching.ShouldWait(1));
        _clock.NowUs += 999;
        Assert.True(_batching.ShouldWait(2));
        _clock.NowUs += 1;
        Assert.False(_batching.ShouldWait(2));
    }

    [Fact]
    public void ShouldWait_each_slot_has_a_wait_of_its_own()
    {
        _batching.NoteProposed(60);
        _batching.NoteProposed(60);
        Assert.True(_batching.ShouldWait(1));
        _clock.NowUs += 1_000;
        Assert.False(_batching.ShouldWait(30));
        _batching.NoteProposed(30);

        _clock.NowUs += 1_000;
        Assert.True(_batching.ShouldWait(1));
    }

    [Fact]
    public void ShouldWait_after_a_quiet_time_nobody_waits_for_those_of_before()
    {
        _batching.NoteProposed(60);
        _batching.NoteProposed(60);
        _batching.NoteIdle();
        Assert.Equal(60, _batching.TargetSize);

        _batching.NoteIdle();
        Assert.Equal(1, _batching.TargetSize);
        Assert.False(_batching.ShouldWait(1));
    }

    [Fact]
    public void NoteIdle_between_two_slots_is_not_a_quiet_time()
    {
        for (int i = 0; i < 10; i++)
        {
            _batching.NoteProposed(60);
            _batching.NoteIdle();
        }

        Assert.Equal(60, _batching.TargetSize);
    }
}
