using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class RestartDelayTests
{
    [Fact]
    public void After_crashUponCrash_doublesUpToHalfAMinute()
    {
        var delay = new RestartDelay();
        IEnumerable<double> seconds = Enumerable.Range(0, 7).Select(_ => delay.After(TimeSpan.Zero).TotalSeconds);
        Assert.Equal([1, 2, 4, 8, 16, 30, 30], seconds);
    }

    [Fact]
    public void After_stableRun_startsAgainFromTheFirst()
    {
        var delay = new RestartDelay();
        delay.After(TimeSpan.Zero);
        delay.After(TimeSpan.Zero);

        Assert.Equal(RestartDelay.First, delay.After(RestartDelay.Stable));
        Assert.Equal(RestartDelay.First * 2, delay.After(RestartDelay.Stable - TimeSpan.FromSeconds(1)));
    }
}
