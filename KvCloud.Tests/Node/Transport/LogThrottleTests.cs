using KvCloud.Node.Transport;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Transport;

public class LogThrottleTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Allows_the_same_error_once_in_an_interval()
    {
        var throttle = new LogThrottle(60_000, _time);

        Assert.True(throttle.Allows("refused"));
        _time.Advance(TimeSpan.FromMilliseconds(59_999));
        Assert.False(throttle.Allows("refused"));
        Assert.True(throttle.Allows("another"));

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(throttle.Allows("refused"));
    }

    [Fact]
    public void Allows_so_many_different_errors_only()
    {
        var throttle = new LogThrottle(60_000, _time);

        Assert.Equal(64, Enumerable.Range(0, 100).Count(number => throttle.Allows($"error {number}")));

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(throttle.Allows("error 99"));
    }
}
