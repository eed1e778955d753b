using KvCloud.Node.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Telemetry;

public sealed class LogRateLimitTests
{
    [Fact]
    public void TryPass_of_log_lines_beyond_the_rate_counts_them_and_tells_in_the_next_window()
    {
        var time = new FakeTimeProvider();
        var limit = new LogRateLimit(linesPerWindow: 2, TimeSpan.FromMinutes(1), time);

        Assert.True(limit.TryPass(out _));
        Assert.True(limit.TryPass(out _));
        Assert.False(limit.TryPass(out _));
        Assert.False(limit.TryPass(out _));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(limit.TryPass(out long suppressed));
        Assert.Equal(2, suppressed);
        Assert.True(limit.TryPass(out suppressed));
        Assert.Equal(0, suppressed);
    }
}
