using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Tests.Node.Replication.Fairness;

public sealed class ContentionTrackerTests
{
    private readonly ManualClock _clock = new() { NowUs = 1_000_000 };

    [Fact]
    public void IsContended_of_one_that_calls_alone_is_false()
    {
        var contention = new ContentionTracker(_clock);
        object one = new();
        for (int i = 0; i < 10; i++)
        {
            contention.Note(one);
        }

        Assert.False(contention.IsContended);
    }

    [Fact]
    public void IsContended_is_true_for_a_second_after_another_has_called()
    {
        var contention = new ContentionTracker(_clock);
        contention.Note(new object());
        contention.Note(new object());
        Assert.True(contention.IsContended);

        _clock.NowUs += 999_000;
        Assert.True(contention.IsContended);
        _clock.NowUs += 2_000;
        Assert.False(contention.IsContended);
    }
}
