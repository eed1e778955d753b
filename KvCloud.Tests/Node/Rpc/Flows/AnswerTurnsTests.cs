using System.Net;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Tests.Node.Replication;
using static KvCloud.Tests.Node.Rpc.ConnectionTests;

namespace KvCloud.Tests.Node.Rpc.Flows;

/// <summary>Answers are written in the caller's turns, whatever they waited for.</summary>
public sealed class AnswerTurnsTests
{
    private const int Calls = 400;
    private static readonly string Padding = new('x', 50_000);

    /// <summary>
    /// Found by the benchmark of fairness: the connections of a client that read ranges more slowly than they were
    /// written went on outside of its turns, all at once, and others waited for 300 ms.
    /// </summary>
    [Fact]
    public async Task CallQueue_goes_on_writing_only_in_a_turn_after_the_client_has_taken_what_was_sent()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(dispatcher, clock: new ManualClock());
        using var other = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.3"));
        using var client = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.2"));
        client.Socket.ReceiveBufferSize = 16 * 1024;
        other.Send(RawClient.Ping(0, "echo"));
        Assert.Equal((0, "echo"), await other.ReceivePingAsync());

        client.Send(RawClient.Ping(0, "hold"));
        for (int i = 1; i < Calls; i++)
        {
            client.Send(RawClient.Ping(i, $"echo {i} {Padding}"));
        }

        await Eventually(() => dispatcher.Held.Count == Calls);
        dispatcher.Held["hold"].Release();
        int written = await SettleAsync(() => dispatcher.Held.Values.Count(call => call.AnsweredBy is not null));
        Assert.InRange(written, 1, Calls - 1);

        RpcFlow flow = host.Flows.TryEnter(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 1), out _)!;
        int turns = 0;
        while (flow.Turns.TryEnter())
        {
            turns++;
        }

        Assert.InRange(turns, 1, Environment.ProcessorCount);
        for (int i = 0; i < written; i++)
        {
            Assert.Equal(i, (await client.ReceivePingAsync()).SequenceId);
        }

        Assert.Equal(written, await SettleAsync(
            () => dispatcher.Held.Values.Count(call => call.AnsweredBy is not null)));
        for (; turns > 0; turns--)
        {
            flow.Turns.Leave();
        }

        for (int i = written; i < Calls; i++)
        {
            Assert.Equal(i, (await client.ReceivePingAsync()).SequenceId);
        }

        host.Flows.Leave(flow);
    }

    /// <summary>The figure once it has not changed for a while.</summary>
    private static async Task<int> SettleAsync(Func<int> figure)
    {
        int last = -1;
        for (int unchanged = 0; unchanged < 10;)
        {
            await Task.Delay(30);
            int now = figure();
            unchanged = now == last ? unchanged + 1 : 0;
            last = now;
        }

        return last;
    }
}
