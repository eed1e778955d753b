using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc;

namespace KvCloud.Tests.Node.Rpc;

public sealed class LimitCountsTests
{
    [Theory]
    [InlineData("max_connections (10) reached", "max_connections")]
    [InlineData("max_connections_per_address (2) reached by address 10.0.0.7", "max_connections_per_address")]
    [InlineData("this node has 9 calls in flight (max_in_flight_calls)", "max_in_flight_calls")]
    [InlineData("max_in_flight_calls_per_caller: user ada has 9", "max_in_flight_calls_per_caller")]
    [InlineData("64 logins by password wait already (PasswordGate.MaxWaiting)", "PasswordGate.MaxWaiting")]
    [InlineData("snapshots take all", LimitCounts.Other)]
    public void Note_counts_the_limit_that_the_refusal_names(string refusal, string limit)
    {
        var counts = new LimitCounts();
        counts.Note(refusal);
        counts.Note(refusal);

        Assert.Equal([(limit, 2L)], Counted(counts));
        Assert.Contains(counts.Observe(), measurement => measurement.Value == 0);
    }

    [Fact]
    public void Note_of_a_queue_that_is_full_counts_its_limit()
    {
        var queue = new HeldWrites { Count = 10, Bytes = 10 };
        var counts = new LimitCounts();
        foreach ((int writes, long bytes) in new[] { (10, 100L), (100, 10L) })
        {
            CommandResult? full = queue.FindFull(writes, bytes, flow: null, default, "wait");
            counts.Note(full!.Value.Message!);
        }

        Assert.Equal([("max_queued_writes", 1L), ("max_queued_write_bytes", 1L)], Counted(counts));
    }

    private static IEnumerable<(string Limit, long Count)> Counted(LimitCounts counts) => counts.Observe()
        .Where(measurement => measurement.Value > 0)
        .Select(measurement => ((string)measurement.Tags[0].Value!, measurement.Value));
}
