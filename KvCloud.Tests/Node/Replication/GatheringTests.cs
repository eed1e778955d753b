using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replication;

public sealed class GatheringTests
{
    private readonly ManualTime _time = new();
    private readonly Gathering _gathering;

    public GatheringTests() => _gathering = new Gathering(_time, TimeSpan.FromMilliseconds(1));

    [Fact]
    public void Write_that_came_alone_of_late_does_not_wait()
    {
        Assert.False(_gathering.IsWorthWaiting(1));
        _gathering.NoteProposed(1);
        Assert.False(_gathering.IsWorthWaiting(1));
    }

    [Fact]
    public void Writes_wait_for_as_many_as_the_last_two_slots_held_on_average()
    {
        _gathering.NoteProposed(60);
        _gathering.NoteProposed(40);

        Assert.Equal(50, _gathering.Company);
        Assert.True(_gathering.IsWorthWaiting(49));
        Assert.False(_gathering.IsWorthWaiting(50));
    }

    [Fact]
    public void One_slot_of_two_writes_makes_nobody_wait()
    {
        _gathering.NoteProposed(2);
        Assert.False(_gathering.IsWorthWaiting(1));
    }

    [Fact]
    public void Writes_wait_no_longer_than_the_limit_after_they_could_first_be_proposed()
    {
        _gathering.NoteProposed(60);
        _gathering.NoteProposed(60);
        _time.Now += 500;

        Assert.True(_gathering.IsWorthWaiting(1));
        _time.Now += 999;
        Assert.True(_gathering.IsWorthWaiting(2));
        _time.Now += 1;
        Assert.False(_gathering.IsWorthWaiting(2));
    }

    [Fact]
    public void Each_slot_has_a_wait_of_its_own()
    {
        _gathering.NoteProposed(60);
        _gathering.NoteProposed(60);
        Assert.True(_gathering.IsWorthWaiting(1));
        _time.Now += 1_000;
        Assert.False(_gathering.IsWorthWaiting(30));
        _gathering.NoteProposed(30);

        _time.Now += 1_000;
        Assert.True(_gathering.IsWorthWaiting(1));
    }

    [Fact]
    public void After_a_quiet_time_nobody_waits_for_those_of_before()
    {
        _gathering.NoteProposed(60);
        _gathering.NoteProposed(60);
        _gathering.NoteIdle();
        Assert.Equal(60, _gathering.Company);

        _gathering.NoteIdle();
        Assert.Equal(1, _gathering.Company);
        Assert.False(_gathering.IsWorthWaiting(1));
    }

    [Fact]
    public void Moment_between_two_slots_is_not_a_quiet_time()
    {
        for (int i = 0; i < 10; i++)
        {
            _gathering.NoteProposed(60);
            _gathering.NoteIdle();
        }

        Assert.Equal(60, _gathering.Company);
    }

    /// <summary>Microseconds that pass when the test says so.</summary>
    private sealed class ManualTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => Now;
    }
}
