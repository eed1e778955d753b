using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class RestartDelayTests
{
    [Fact]
    public void After_crash_upon_crash_doubles_up_to_half_a_minute()
    {
        var delay = new RestartDelay();
        IEnumerable<double> seconds = Enumerable.Range(0, 7).Select(_ => delay.After(TimeSpan.Zero).TotalSeconds);
        Assert.Equal([1, 2, 4, 8, 16, 30, 30], seconds);
    }

    [Fact]
    public void After_stable_run_starts_again_from_the_first()
    {
        var delay = new RestartDelay();
        delay.After(TimeSpan.Zero);
        delay.After(TimeSpan.Zero);

        Assert.Equal(RestartDelay.First, delay.After(RestartDelay.Stable));
        Assert.Equal(RestartDelay.First * 2, delay.After(RestartDelay.Stable - TimeSpan.FromSeconds(1)));
    }
}
