using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Tests.Node.Replication.Fairness;

public sealed class SharedTimeTests
{
    private readonly ManualClock _clock = new() { NowUs = 1_000_000 };

    [Fact]
    public void IsShared_of_one_that_calls_alone_is_false()
    {
        var shared = new SharedTime(_clock);
        object one = new();
        for (int i = 0; i < 10; i++)
        {
            shared.Note(one);
        }

        Assert.False(shared.IsShared);
    }

    [Fact]
    public void IsShared_is_true_for_a_second_after_another_has_called()
    {
        var shared = new SharedTime(_clock);
        shared.Note(new object());
        shared.Note(new object());
        Assert.True(shared.IsShared);

        _clock.NowUs += 999_000;
        Assert.True(shared.IsShared);
        _clock.NowUs += 2_000;
        Assert.False(shared.IsShared);
    }
}
