namespace KvCloud.Tests.Live.Soak;

public sealed class TrendTests
{
    [Theory]
    [InlineData(0.0, false)]
    [InlineData(-100.0, false)]
    [InlineData(10.0, false)]
    [InlineData(60.0, true)]
    public void Rises_slope_beyond_what_is_allowed_is_found_and_noise_is_not(double perHour, bool rises)
    {
        var random = new Random(1);
        (TimeSpan, double)[] samples =
        [
            .. Enumerable.Range(0, 600).Select(i => TimeSpan.FromSeconds(6 * i))
                .Select(time => (time, 100 + (perHour * time.TotalHours) + (40 * (random.NextDouble() - 0.5)))),
        ];

        Trend trend = Trend.Of(samples)!;

        Assert.InRange(trend.SlopePerHour, perHour - 6, perHour + 6);
        Assert.Equal(rises, trend.Rises(share: 0.25, least: 20));
    }

    [Fact]
    public void Rises_peak_in_the_middle_is_no_growth()
    {
        (TimeSpan, double)[] samples =
        [
            .. Enumerable.Range(0, 90).Select(i => (TimeSpan.FromSeconds(i), i is > 40 and < 50 ? 1000.0 : 100.0)),
        ];

        Assert.False(Trend.Of(samples)!.Rises(share: 0.25, least: 20));
    }

    /// <summary>Seen: eight of 240 samples at seconds rather than milliseconds, most of them late.</summary>
    [Fact]
    public void Rises_few_samples_far_above_all_others_are_no_growth()
    {
        (TimeSpan, double)[] samples =
        [
            .. Enumerable.Range(0, 240).Select(i => (TimeSpan.FromSeconds(5 * i), i is > 160 and < 169 ? 4000.0 : 3.0)),
        ];

        Assert.False(Trend.Of(samples)!.Rises(share: 0.5, least: 5));
    }

    [Fact]
    public void Of_too_few_samples_says_nothing() => Assert.Null(Trend.Of([(TimeSpan.Zero, 1), (TimeSpan.Zero, 2)]));
}
