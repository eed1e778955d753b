using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class ReconnectBackoffTests
{
    private static readonly TransportOptions Options = new() { MinReconnectDelayMs = 50, MaxReconnectDelayMs = 1_000 };

    [Fact]
    public void NextPauseMs_doubles_with_failures_up_to_the_limit_and_is_none_after_a_connection_that_lasted()
    {
        var backoff = new ReconnectBackoff(Options);
        double[] pauses = [.. Enumerable.Range(0, 7).Select(_ => backoff.NextPauseMs(ConnectOutcome.Failed, unit: 0))];

        Assert.Equal([25, 50, 100, 200, 400, 500, 500], pauses);
        Assert.Equal(0, backoff.NextPauseMs(ConnectOutcome.Lasted, unit: 0.9));
        Assert.Equal(25, backoff.NextPauseMs(ConnectOutcome.Failed, unit: 0));
    }

    [Fact]
    public void NextPauseMs_after_refusals_grows_to_ten_times_the_limit()
    {
        var backoff = new ReconnectBackoff(Options);
        double[] pauses =
            [.. Enumerable.Range(0, 12).Select(_ => backoff.NextPauseMs(ConnectOutcome.Refused, unit: 0))];

        Assert.Equal([500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500, 5_000, 5_000, 5_000], pauses);
    }

    [Theory]
    [InlineData(0, 500)]
    [InlineData(0.5, 750)]
    [InlineData(0.999, 999.5)]
    public void PauseMs_lies_between_half_and_all_of_its_ceiling(double unit, double expected) =>
        Assert.Equal(expected, ReconnectBackoff.PauseMs(Options, ConnectOutcome.Failed, failures: 1_000, unit), 3);

    [Theory]
    [InlineData(999, 0)]
    [InlineData(1_000, 2)]
    public void OutcomeOf_says_whether_a_connection_lasted(long lastedMs, int expected) =>
        Assert.Equal((ConnectOutcome)expected, new ReconnectBackoff(Options).OutcomeOf(lastedMs));
}
