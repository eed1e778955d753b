using System.Net;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using Microsoft.Extensions.DependencyInjection;
using static KvCloud.Tests.Node.Rpc.ConnectionTests;

namespace KvCloud.Tests.Node.Rpc.Flows;

/// <summary>The pacing of a real server: its own delays, and real connections.</summary>
public sealed class PacingThreadTests
{
    private const int CallsAtOnce = 64;

    [Fact]
    public async Task PacingThread_slows_down_the_greedy_one_of_two_and_only_while_the_other_calls()
    {
        await using RpcTestHost host = await StartAsync(maxDelayUs: 1);
        using var ending = new CancellationTokenSource();
        Task<int> greedy = CallAsync(host, "127.0.0.2", CallsAtOnce, 1_000, ending.Token);
        Task<int> modest;
        using (var modestEnds = new CancellationTokenSource())
        {
            modest = CallAsync(host, "127.0.0.3", 1, 1, modestEnds.Token);
            await Eventually(() => host.Flows.Paced == 1);
            await Eventually(() => host.Lines.All.Any(
                line => line.Contains("Slowing down address 127.0.0.2", StringComparison.Ordinal)));
            Assert.DoesNotContain(
                host.Lines.All, line => line.Contains("Slowing down address 127.0.0.3", StringComparison.Ordinal));
            await modestEnds.CancelAsync();
        }

        Assert.NotEqual(0, await modest);
        await Eventually(() => host.Flows.Paced == 0);
        await ending.CancelAsync();
        Assert.NotEqual(0, await greedy);
    }

    [Fact]
    public async Task PacingThread_slows_down_nobody_where_it_is_turned_off()
    {
        await using RpcTestHost host = await StartAsync(maxDelayUs: 0);
        using var ending = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Task<int>[] calls =
        [
            CallAsync(host, "127.0.0.2", CallsAtOnce, 1_000, ending.Token),
            CallAsync(host, "127.0.0.3", 1, 1, ending.Token),
        ];
        while (!ending.IsCancellationRequested)
        {
            Assert.Equal(0, host.Flows.Paced);
            await Task.Delay(20, CancellationToken.None);
        }

        await Task.WhenAll(calls);
    }

    /// <summary>Of 1 µs every delay is too long, and the cores are always busy.</summary>
    private static Task<RpcTestHost> StartAsync(int maxDelayUs) => RpcTestHost.StartAsync(
        services =>
        {
            services.AddSingleton<IRpcDispatcher>(new EchoDispatcher());
            services.AddSingleton<ICpuLoad>(new BusyLoad());
        },
        new RpcOptions { Limits = new RpcLimits { MaxSchedulingDelayUs = maxDelayUs } });

    private sealed class BusyLoad : ICpuLoad
    {
        public bool IsBusy() => true;
    }

    /// <summary>Calls until it is cancelled; each call is answered. Returns how often it called.</summary>
    private static async Task<int> CallAsync(
        RpcTestHost host, string address, int atOnce, int size, CancellationToken cancellationToken)
    {
        using var client = RawClient.Connect(host.Port, source: IPAddress.Parse(address));
        string text = "echo" + new string('x', size);
        int calls = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            for (int i = 0; i < atOnce; i++)
            {
                client.Send(RawClient.Ping(calls + i, text));
            }

            for (int i = 0; i < atOnce; i++)
            {
                Assert.Equal((calls + i, text), await client.ReceivePingAsync());
            }

            calls += atOnce;
        }

        return calls;
    }
}
