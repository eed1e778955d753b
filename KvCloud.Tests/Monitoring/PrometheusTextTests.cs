using KvCloud.Monitoring;

namespace KvCloud.Tests.Monitoring;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Parse_exposition_has_names_labels_and_values()
    {
        MetricSample[] samples =
        [
            .. PrometheusText.Parse(
                """
                # TYPE kvcloud_rpc_calls_total counter
                # HELP kvcloud_rpc_calls_total Calls answered, by method and code.
                kvcloud_rpc_calls_total{otel_scope_name="KvCloud.Rpc",method="get",code="OK"} 42 1732744800000
                kvcloud_replica_lag 0

                kvcloud_rpc_duration_seconds_bucket{method="get",le="+Inf"} 1.5e3
                """),
        ];

        Assert.Equal(3, samples.Length);
        Assert.Equal("kvcloud_rpc_calls_total", samples[0].Name);
        Assert.Equal("get", samples[0].Labels["method"]);
        Assert.Equal("OK", samples[0].Labels["code"]);
        Assert.Equal(42, samples[0].Value);
        Assert.Empty(samples[1].Labels);
        Assert.Equal(1_500, samples[2].Value);
    }

    [Fact]
    public void Parse_label_with_escapes_has_what_they_mean() =>
        Assert.Equal("a\"b\\c\nd, e}", PrometheusText.Parse("""m{l="a\"b\\c\nd, e}"} 1""").Single().Labels["l"]);

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment")]
    [InlineData("name")]
    [InlineData("name{")]
    [InlineData("name{label")]
    [InlineData("name{label=\"open")]
    [InlineData("name{label=\"value\"")]
    [InlineData("name{} many")]
    [InlineData("{} 1")]
    public void Parse_line_that_is_no_sample_is_skipped(string line) => Assert.Empty(PrometheusText.Parse(line));

    [Fact]
    public void Parse_infinite_values_are_read()
    {
        Assert.Equal(
            [double.PositiveInfinity, double.NegativeInfinity],
            PrometheusText.Parse("a +Inf\nb -Inf").Select(sample => sample.Value));
    }
}
