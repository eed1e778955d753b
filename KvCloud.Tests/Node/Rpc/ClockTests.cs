using System.Buffers;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Replication;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>What takes its time from the replica's clock, without any waiting.</summary>
public sealed class ClockTests
{
    private readonly ManualClock _clock = new() { NowUs = 1_000_000_000 };

    [Theory]
    [InlineData(null, 10_000)]
    [InlineData(5L, 5)]
    [InlineData(long.MaxValue, 300_000)]
    public void DeadlineAfter_any_timeout_is_by_the_clock_and_within_the_limits(long? timeoutMs, long expectedMs)
    {
        var options = new RpcOptions { Limits = new RpcLimits { DefaultTimeoutMs = 10_000, MaxTimeoutMs = 300_000 } };
        var statistics = new RpcStatistics(new RpcBudget(options.Limits));
        var backend = new KvBackend(
            null!, null!, null!, options, statistics, _clock, NullLogger<KvBackend>.Instance, null!);

        Assert.Equal(_clock.NowMs + expectedMs, backend.DeadlineAfter(timeoutMs));
        statistics.Dispose();
    }

    [Fact]
    public void PartialSinceMs_of_a_message_that_comes_in_pieces_is_its_first_piece()
    {
        var limits = new RpcLimits();
        var flow = new RpcFlow(new Flow("test"), limits, _clock, new FlowTurns(() => 1));
        var reader = new MessageReader(limits, new RpcBudget(limits), flow, _clock);
        byte[] message = RawClient.Message("ping", 1, new PingRequest { Timestamp = 1 });

        Assert.Equal(0, reader.PartialSinceMs);
        long began = _clock.NowMs;
        Assert.False(TryRead(10));
        _clock.NowUs += 5_000_000;
        Assert.False(TryRead(message.Length - 1));
        Assert.Equal(began, reader.PartialSinceMs);
        Assert.True(TryRead(message.Length));
        Assert.Equal(0, reader.PartialSinceMs);

        bool TryRead(int bytes)
        {
            var buffer = new ReadOnlySequence<byte>(message, 0, bytes);
            return reader.TryRead(ref buffer, 0, out _);
        }
    }
}
