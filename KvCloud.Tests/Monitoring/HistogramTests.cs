using KvCloud.Monitoring;

namespace KvCloud.Tests.Monitoring;

public sealed class HistogramTests
{
    private static readonly Histogram Some = new([0.001, 0.01, double.PositiveInfinity], [10, 30, 40]);

    [Theory]
    [InlineData(0.125, 0.0005)]
    [InlineData(0.25, 0.001)]
    [InlineData(0.5, 0.0055)]
    public void Quantile_within_a_bucket_is_interpolated(double share, double seconds) =>
        Assert.Equal(seconds, Some.Quantile(share)!.Value, 9);

    [Fact]
    public void Quantile_above_the_last_finite_bound_is_that_bound() => Assert.Equal(0.01, Some.Quantile(0.99));

    [Fact]
    public void Quantile_of_nothing_is_none()
    {
        Assert.Null(Histogram.Empty.Quantile(0.5));
        Assert.Null(Some.Since(Some).Quantile(0.5));
    }

    [Fact]
    public void Since_an_earlier_reading_is_what_came_in_between() =>
        Assert.Equal([1, 2, 3], new Histogram(Some.UpperBounds, [11, 32, 43]).Since(Some).CumulativeCounts);

    [Fact]
    public void Since_a_reading_of_a_process_before_this_one_is_all_of_it()
    {
        var anew = new Histogram(Some.UpperBounds, [1, 1, 2]);
        Assert.Equal([1, 1, 2], anew.Since(Some).CumulativeCounts);
    }

    [Fact]
    public void Sum_of_several_adds_their_buckets() =>
        Assert.Equal([20, 60, 80], Histogram.Sum([Some, Histogram.Empty, Some]).CumulativeCounts);
}
