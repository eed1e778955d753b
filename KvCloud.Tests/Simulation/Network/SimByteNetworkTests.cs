using KvCloud.Consensus;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>The simulated network on its own: nodes that only talk, under every kind of trouble.</summary>
public sealed class SimByteNetworkTests
{
    private const long FaultyUs = 6 * SimProfile.Second;
    private const long HealedWithinUs = 12 * SimProfile.Second;

    /// <summary>Longer than an end may take to notice that the other is gone.</summary>
    private const long DrainUs = 6 * SimProfile.Second;

    [Fact]
    public void SimByteNetwork_of_the_same_seed_lives_the_same_life()
    {
        // Some seeds draw a single node, which talks to nobody.
        ulong seed = Enumerable.Range(1, 20).Select(number => (ulong)number).First(n => Live(n).Trace.Count > 1_000);
        List<string> first = Live(seed).Trace;

        Assert.Equal(first, Live(seed).Trace);
        Assert.NotEqual(first, Live(seed + 1).Trace);
    }

    [Theory]
    [InlineData(1, 60)]
    [InlineData(61, 60)]
    public void SimByteNetwork_under_trouble_changes_no_message_loses_none_unnoticed_and_links_come_up_again(
        int from, int seeds)
    {
        long delivered = 0;
        long lost = 0;
        for (int seed = from; seed < from + seeds; seed++)
        {
            TalkingWorld world = Live((ulong)seed);
            delivered += world.Delivered;
            lost += world.Lost;
        }

        Assert.True(delivered > 1_000 * seeds && lost > 10 * seeds, $"delivered {delivered}, lost {lost}");
    }

    [Fact]
    public void SimByteNetwork_without_trouble_brings_everything_once_and_in_order()
    {
        var world = new TalkingWorld(5, new SimProfile { Nodes = 3, SplitPerMille = 300, SendBufferBytes = 2_048 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Talk(SimProfile.Second);
        world.RunFor(2 * SimProfile.Second);

        Assert.True(world.Delivered > 500);
        Assert.Equal(0, world.Missing);
        Assert.Equal(0, world.OutOfOrder);
        Assert.All(world.Nodes, node => Assert.All(
            node.Transport!.Links, link => Assert.True(link is { IsConnected: true, DroppedMessages: 0 })));
        Assert.Equal(6, world.Network.Connections);
    }

    [Fact]
    public void SimByteNetwork_wiped_node_is_refused_by_those_who_met_it_and_the_others_go_on()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Nodes[2].Stop();
        world.RunFor(SimProfile.Second);
        world.Nodes[2].Wipe();
        world.Nodes[2].Start();
        world.RunFor(5 * SimProfile.Second);

        foreach (int other in new[] { 0, 1 })
        {
            string? told = world.Nodes[2].Transport!.Links.Single(link => link.Peer.Value == other).RefusedReason;
            string? seen = world.Nodes[other].Transport!.Links.Single(link => link.Peer.Value == 2).RefusedReason;
            Assert.Contains("it has lost its data directory", told, StringComparison.Ordinal);
            Assert.Contains("it has lost its data directory", seen, StringComparison.Ordinal);
            Assert.False(world.StateOf(other, 2).IsConnected);
            Assert.False(world.StateOf(2, other).IsConnected);
        }

        Assert.True(world.StateOf(0, 1).IsConnected);
        world.Nodes[2].Transport!.Send([new ReadIndexRequest(new NodeId(2), new NodeId(0), 1)]);
        world.RunFor(SimProfile.Second);
        Assert.Equal(0, world.Delivered);
    }

    [Fact]
    public void SimByteNetwork_restarted_node_with_its_incarnation_is_welcome_again()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 2);
        world.Nodes[2].Crash(isPowerCut: false);
        world.RunFor(SimProfile.Second);
        Assert.False(world.StateOf(0, 2).IsConnected);
        Assert.True(world.StateOf(0, 2).LossEpoch > before.LossEpoch);
        world.Nodes[2].Start();
        world.RunFor(2 * SimProfile.Second);

        Assert.True(world.StateOf(0, 2).IsConnected);
        Assert.Equal(TestNode.Terms, world.Nodes[0].Transport!.IdentityOf(new NodeId(2))!.Terms);
    }

    [Fact]
    public void SimByteNetwork_power_cut_is_noticed_after_the_peer_timeout_only()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Nodes[2].Crash(isPowerCut: true);
        world.RunFor(TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond * 9 / 10);
        Assert.True(world.StateOf(0, 2).IsConnected);
        world.RunFor(TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond);

        Assert.False(world.StateOf(0, 2).IsConnected);
    }

    [Fact]
    public void SimByteNetwork_short_partition_holds_messages_up_and_loses_none()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 1);
        world.Network.Cut(0, 1);
        world.Send(0, 1);
        world.RunFor(TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond / 2);
        Assert.Equal(0, world.Delivered);
        world.Network.Restore(0, 1);
        world.RunFor(2 * SimProfile.Second);

        Assert.Equal(1, world.Delivered);
        Assert.Equal(before, world.StateOf(0, 1));
    }

    [Fact]
    public void SimByteNetwork_long_partition_breaks_the_connection_and_raises_the_loss_epoch()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 1);
        world.Network.Cut(1, 0);
        world.Send(0, 1);
        world.RunFor(SimProfile.Second / 10);
        Assert.Equal(1, world.Delivered);
        world.RunFor(2 * TalkingWorld.Options.PeerTimeoutMs * SimProfile.Millisecond);
        LinkState cut = world.StateOf(0, 1);
        Assert.True(!cut.IsConnected && cut.LossEpoch > before.LossEpoch);
        world.Network.Restore(1, 0);
        world.RunFor(3 * SimProfile.Second);

        Assert.True(world.StateOf(0, 1).IsConnected && world.StateOf(1, 0).IsConnected);
    }

    [Fact]
    public void SimByteNetwork_paused_node_hears_nothing_and_all_of_it_afterwards()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        world.Nodes[1].Transport!.PauseUntil(world.NowUs + SimProfile.Second);
        for (int i = 0; i < 50; i++)
        {
            world.Send(0, 1);
        }

        world.RunFor(SimProfile.Second * 9 / 10);
        Assert.Equal(0, world.Delivered);
        world.RunFor(SimProfile.Second);

        Assert.Equal(50, world.Delivered);
        Assert.Equal(0, world.OutOfOrder);
    }

    [Fact]
    public void SimByteNetwork_full_queue_to_a_node_that_reads_nothing_drops_and_raises_the_loss_epoch()
    {
        var world = new TalkingWorld(3, new SimProfile { Nodes = 3, SendBufferBytes = 4_096 });
        world.StartAll();
        world.RunFor(SimProfile.Second);
        LinkState before = world.StateOf(0, 1);
        world.Nodes[1].Transport!.PauseUntil(world.NowUs + SimProfile.Second);
        for (int i = 0; i < 100; i++)
        {
            world.Nodes[0].Transport!.Send([SampleMessages.AcceptOf(new NodeId(0), new NodeId(1), i + 1, 20_000)]);
        }

        world.RunFor(10 * SimProfile.Second);
        Assert.InRange(world.Delivered, 10, 99);
        Assert.Equal(100 - world.Delivered, world.StateOf(0, 1).LossEpoch - before.LossEpoch);
        Assert.True(world.StateOf(0, 1).IsConnected);
    }

    /// <summary>Draws the trouble from the seed, lives through it, heals, and checks what must hold.</summary>
    private static TalkingWorld Live(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        SimProfile profile = SimProfile.Draw(random) with
        {
            Nodes = 2 + random.Next(4),
            ReorderPerMille = random.Next(2) * 50,
            SplitPerMille = random.Next(3) * 300,
            ConnectFailPerMille = random.Next(2) * 300,
            SendBufferBytes = 1_024 << (2 * random.Next(4)),
            BreakEveryMs = random.Next(2) * 300,
            CorruptEveryMs = random.Next(2) * 300,
        };
        var world = new TalkingWorld(seed, profile, SimByteNetwork.DrawOptions(random));
        world.StartAll();
        world.MakeTrouble(FaultyUs);
        world.Talk(FaultyUs);
        world.RunFor(FaultyUs);
        world.Heal();
        for (long healedUs = world.NowUs; !world.AllConnected;)
        {
            Assert.True(world.NowUs - healedUs < HealedWithinUs, $"seed {seed}: links come up again");
            world.RunFor(100 * SimProfile.Millisecond);
        }

        world.RunFor(DrainUs);
        long before = world.Delivered;
        world.SendAll();
        world.RunFor(DrainUs);
        Assert.Equal(before + (profile.Nodes * (profile.Nodes - 1)), world.Delivered);
        world.CheckLosses();
        return world;
    }
}
