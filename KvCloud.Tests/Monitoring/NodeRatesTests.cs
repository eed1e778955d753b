using KvCloud.Monitoring;

namespace KvCloud.Tests.Monitoring;

public sealed class NodeRatesTests
{
    [Fact]
    public void Between_two_samples_are_calls_a_second_by_outcome()
    {
        var rates = NodeRates.Between(
            At(0, ("get", "OK", 100)),
            At(2_000, ("get", "OK", 300), ("setKey", "OK", 8), ("atomicCommit", "CONFLICT", 4), ("get", "TIMEOUT", 2)));

        Assert.Equal((200 + 8 + 4 + 2) / 2.0, rates.CallsPerSecond);
        Assert.Equal(2, rates.ConflictsPerSecond);
        Assert.Equal(1, rates.FailuresPerSecond);
        Assert.Equal(101, rates.ByMethod["get"]);
        Assert.Equal(4, rates.ByMethod["setKey"]);
    }

    [Fact]
    public void Between_a_process_and_the_next_one_counts_from_the_new_start() =>
        Assert.Equal(
            7, NodeRates.Between(At(0, ("get", "OK", 1_000)), At(1_000, ("get", "OK", 7))).CallsPerSecond);

    [Fact]
    public void Between_a_sample_and_no_answer_is_nothing() =>
        Assert.Same(
            NodeRates.None,
            NodeRates.Between(
                At(0, ("get", "OK", 1)),
                new NodeSample { At = DateTimeOffset.UnixEpoch, AtMs = 1_000, Error = "gone" }));

    private static NodeSample At(long ms, params (string Method, string Code, double Count)[] calls) => new()
    {
        At = DateTimeOffset.UnixEpoch,
        AtMs = ms,
        Status = new NodeStatus { ClusterId = "test", AnsweredBy = 0, Nodes = [] },
        Metrics = new NodeMetrics
        {
            Calls = calls.ToDictionary(call => (call.Method, call.Code), call => call.Count),
        },
    };
}
