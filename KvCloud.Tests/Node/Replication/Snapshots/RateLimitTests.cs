using KvCloud.Node.Replication.Snapshots;

namespace KvCloud.Tests.Node.Replication.Snapshots;

public sealed class RateLimitTests
{
    [Fact]
    public void TryTake_over_a_second_lets_go_what_may_and_little_more()
    {
        var clock = new ManualClock();
        var limit = new RateLimit(clock, bytesPerSecond: 1_000_000);
        long taken = 0;
        for (int ms = 0; ms < 1_000; ms++)
        {
            clock.NowUs += 1_000;
            while (limit.TryTake(3_000))
            {
                taken += 3_000;
            }
        }

        Assert.InRange(taken, 990_000, 1_060_000);
    }

    [Fact]
    public void TryTake_after_a_long_pause_lets_go_no_more_than_a_burst()
    {
        var clock = new ManualClock();
        var limit = new RateLimit(clock, bytesPerSecond: 1_000_000);
        clock.NowUs += 3_600_000_000;
        long taken = 0;
        while (limit.TryTake(1_000))
        {
            taken += 1_000;
        }

        Assert.InRange(taken, 49_000, 52_000);
    }
}
