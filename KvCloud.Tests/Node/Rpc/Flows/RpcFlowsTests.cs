using System.Net;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Tests.Node.Replication;

namespace KvCloud.Tests.Node.Rpc.Flows;

public sealed class RpcFlowsTests
{
    private readonly ManualClock _clock = new() { NowUs = 1_000_000 };

    [Theory]
    [InlineData("10.0.0.7", "address 10.0.0.7")]
    [InlineData("::ffff:10.0.0.7", "address 10.0.0.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "address 2001:db8:1:2::/64")]
    public void TryEnter_names_the_address_or_the_subnet(string address, string name) =>
        Assert.Equal(name, Enter(new RpcFlows(new RpcLimits(), _clock, new WriteFlows(_clock)), address).Name);

    [Fact]
    public void TryEnter_connections_of_one_address_are_one_caller()
    {
        var flows = new RpcFlows(new RpcLimits(), _clock, new WriteFlows(_clock));

        Assert.Same(Enter(flows, "10.0.0.7"), Enter(flows, "10.0.0.7"));
        Assert.NotSame(Enter(flows, "10.0.0.7"), Enter(flows, "10.0.0.8"));
        Assert.Equal(2, flows.Count);
    }

    [Fact]
    public void ForgetIdle_keeps_one_that_has_just_left_so_that_nobody_gets_more_by_connecting_anew()
    {
        var flows = new RpcFlows(new RpcLimits { MaxCallsPerSecond = 1 }, _clock, new WriteFlows(_clock));
        RpcFlow first = Enter(flows, "10.0.0.7");
        for (int call = 0; call < 5; call++)
        {
            first.PayForCall(1);
        }

        flows.Leave(first);
        _clock.NowUs += 3_000_000;
        flows.ForgetIdle();
        RpcFlow again = Enter(flows, "10.0.0.7");

        Assert.True(again.IsSpent);
        Assert.Equal(2_000, again.WaitMs(again.EnterLine()));
        again.LeaveLine();

        flows.Leave(again);
        _clock.NowUs += 3_000_000;
        flows.ForgetIdle();
        Assert.Equal(0, flows.Count);
    }

    [Fact]
    public void WaitMs_connections_of_one_caller_go_on_one_after_the_other()
    {
        var flows = new RpcFlows(new RpcLimits { MaxCallsPerSecond = 1 }, _clock, new WriteFlows(_clock));
        RpcFlow flow = Enter(flows, "10.0.0.7");
        flow.PayForCall(1);
        Assert.True(flow.HasToWait);
        long first = flow.EnterLine();
        long second = flow.EnterLine();

        Assert.Equal(1_000, flow.WaitMs(first));
        Assert.Equal(1_063, flow.WaitMs(second));
        _clock.NowUs += 1_000_000;
        Assert.Equal(0, flow.WaitMs(first));
        Assert.False(flow.IsSpent);

        // One that comes now stands behind those that wait.
        Assert.True(flow.HasToWait);
        flow.LeaveLine();
        flow.PayForCall(1);
        Assert.Equal(1_000, flow.WaitMs(second));
        _clock.NowUs += 1_000_000;
        flow.LeaveLine();
        Assert.False(flow.HasToWait);
    }

    [Fact]
    public void TryEnter_one_address_leaves_a_fifth_of_all_connections_to_others()
    {
        var flows = new RpcFlows(new RpcLimits { MaxConnections = 1_000 }, _clock, new WriteFlows(_clock));
        int entered = 0;
        while (flows.TryEnter(EndPoint("10.0.0.7"), out _) is not null)
        {
            entered++;
        }

        Assert.InRange(entered, 790, 810);
        int others = 0;
        while (flows.TryEnter(EndPoint("10.0.0.8"), out _) is not null)
        {
            others++;
        }

        Assert.InRange(others, 150, 180);
        Assert.NotNull(flows.TryEnter(EndPoint("10.0.0.9"), out _));
    }

    private static RpcFlow Enter(RpcFlows flows, string address)
    {
        RpcFlow? flow = flows.TryEnter(EndPoint(address), out string? limit);
        Assert.Null(limit);
        return flow!;
    }

    private static IPEndPoint EndPoint(string address) => new(IPAddress.Parse(address), 1234);
}
