using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Diagnostics;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Cluster;

public sealed class ClusterManagerTests : IDisposable
{
    private readonly ClusterFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void View_before_anything_was_heard_knows_itself_alone()
    {
        ClusterView view = _fixture.Manager.View;

        Assert.Equal(("kvcloud", 0, 1, 4L), (view.ClusterId, view.SelfId, view.LeaderId, view.Term));
        Assert.Equal([NodeHealth.Healthy, NodeHealth.Unknown, NodeHealth.Unknown], Healths(view));
        Assert.Equal("unhealthy", view.Status);
    }

    [Fact]
    public void View_of_replicas_with_service_names_has_their_addresses()
    {
        using var fixture = new ClusterFixture("_peer.kv-0", "_peer.kv-1", "_peer.kv-2");

        Assert.Equal(
            ["localhost:9190", "127.0.0.1:9191", "127.0.0.1:9192"],
            fixture.HealthyTurn().Nodes.Select(node => node.PeerEndpoint));
    }

    [Fact]
    public void View_of_this_replica_where_the_members_record_says_that_it_moved_has_that_address()
    {
        using var fixture = new ClusterFixture("_peer.kv-0", "_peer.kv-1", "_peer.kv-2");
        byte[] moved = (MemberData.Unknown with { PeerEndpoint = "elsewhere:7000" }).Encode();
        var members = GroupMembers.Initial([new NodeId(0), new NodeId(1), new NodeId(2)]);
        GroupMembers after = members.StepTo([members.Members[0] with { Data = moved }, .. members.Members.Skip(1)]);
        fixture.Status = fixture.Status with { Members = GroupMembers.Decode(new Slot(7), after.Encode()) };

        Assert.Equal("elsewhere:7000", fixture.HealthyTurn().Nodes[0].PeerEndpoint);
    }

    [Fact]
    public void Now_between_two_refreshes_has_this_replicas_own_slots_and_the_view_those_of_before()
    {
        _fixture.HealthyTurn();
        _fixture.Status = _fixture.Status with { AppliedSlot = new Slot(700), ChosenSlot = new Slot(700) };

        Assert.Equal(700, _fixture.Manager.Now().Nodes[0].AppliedSlot);
        Assert.Equal(100, _fixture.Manager.View.Nodes[0].AppliedSlot);
    }

    [Fact]
    public void Refresh_all_report_the_cluster_is_healthy()
    {
        ClusterView view = _fixture.HealthyTurn();

        Assert.Equal("healthy", view.Status);
        Assert.All(view.Nodes, node => Assert.Null(node.HealthReason));
        Assert.Equal([false, true, false], view.Nodes.Select(node => node.IsLeader));
        Assert.Equal(["follower", "leader", "follower"], view.Nodes.Select(node => node.Role));
        Assert.Equal("localhost:9091", view.Leader!.ClientEndpoint);
        Assert.Equal((100, 100, 90, 60),
            (view.Leader.AppliedSlot, view.Leader.ChosenSlot, view.Leader.AppliedVersion, view.Leader.UptimeSeconds));
        Assert.Equal(_fixture.Time.GetUtcNow().ToUnixTimeMilliseconds(), view.Leader.LastSeenUnixMs);
        Assert.Equal(1, view.Nodes[0].UptimeSeconds);
    }

    [Fact]
    public void Refresh_on_its_turn_tells_the_peers_how_this_replica_is()
    {
        _fixture.Status = _fixture.Status with { HashedSlot = new Slot(64), StateHash = 0xABC };

        _fixture.SilentTurn();

        Assert.Equal(
            new PeerReport(
                new NodeId(0), Role.Follower, new Ballot(4, new NodeId(1)), new Slot(100), new Slot(100), 90, 1,
                new Slot(64), 0xABC)
            {
                FeatureLevel = 1,
            },
            Assert.Single(_fixture.Sent));
    }

    [Fact]
    public void Refresh_a_peer_that_falls_silent_is_unreachable_after_node_timeout_and_healthy_again_when_it_speaks()
    {
        _fixture.HealthyTurn();
        for (int interval = 0; interval < 3; interval++)
        {
            _fixture.Manager.Received(ClusterFixture.Report(1, Role.Leader));
            Assert.Equal(NodeHealth.Healthy, _fixture.SilentTurn().Nodes[2].Health);
        }

        _fixture.Manager.Received(ClusterFixture.Report(1, Role.Leader));
        ClusterView view = _fixture.SilentTurn();
        Assert.Equal(NodeHealth.Unreachable, view.Nodes[2].Health);
        Assert.Equal("silent for 4000 ms", view.Nodes[2].HealthReason);
        Assert.Equal("degraded", view.Status);
        Assert.Contains(
            _fixture.Log.Lines, line => line is (LogLevel.Warning, "node-2 is unreachable: silent for 4000 ms"));

        Assert.Equal("healthy", _fixture.HealthyTurn().Status);
        Assert.Contains(_fixture.Log.Lines, line => line is (LogLevel.Information, "node-2 is healthy"));
    }

    [Fact]
    public void Refresh_without_a_quorum_the_cluster_is_unhealthy()
    {
        _fixture.HealthyTurn();
        ClusterView view = _fixture.SilentTurn();
        for (int interval = 0; interval < 3; interval++)
        {
            view = _fixture.SilentTurn();
        }

        Assert.Equal([NodeHealth.Healthy, NodeHealth.Unreachable, NodeHealth.Unreachable], Healths(view));
        Assert.Equal("unhealthy", view.Status);
    }

    [Fact]
    public void Refresh_a_peer_that_is_heard_but_cannot_be_reached_is_degraded()
    {
        _fixture.Links = [ClusterFixture.Link(1), ClusterFixture.Link(2, isConnected: false)];

        ClusterView view = _fixture.HealthyTurn();

        Assert.Equal(NodeHealth.Degraded, view.Nodes[2].Health);
        Assert.Equal("its reports arrive, but it cannot be reached", view.Nodes[2].HealthReason);
        Assert.Equal("degraded", view.Status);
    }

    [Fact]
    public void Refresh_a_refused_stranger_is_unknown_with_the_reason()
    {
        _fixture.Links = [ClusterFixture.Link(1), ClusterFixture.Link(2, isConnected: false, "cluster is \"other\"")];

        ClusterView view = _fixture.SilentTurn();

        Assert.Equal(NodeHealth.Unknown, view.Nodes[2].Health);
        Assert.Equal("never heard; the handshake was refused: cluster is \"other\"", view.Nodes[2].HealthReason);
    }

    [Fact]
    public void Refresh_of_a_replica_that_has_not_met_all_others_says_whom_it_waits_for()
    {
        _fixture.NotMet = [2];
        _fixture.Status = _fixture.Status with { Leader = null };

        ClusterView view = _fixture.SilentTurn();

        Assert.Equal(NodeHealth.Degraded, view.Nodes[0].Health);
        Assert.StartsWith(
            "it waits for first contact with node 2:", view.Nodes[0].HealthReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Refresh_without_a_leader_all_are_degraded_and_the_cluster_unhealthy()
    {
        _fixture.HealthyTurn();
        _fixture.Status = _fixture.Status with { Role = Role.PreCandidate, Leader = null };
        _fixture.Manager.Received(ClusterFixture.Report(1));

        ClusterView view = _fixture.SilentTurn();

        Assert.Null(view.LeaderId);
        Assert.Equal([NodeHealth.Degraded, NodeHealth.Degraded, NodeHealth.Degraded], Healths(view));
        Assert.Equal("it knows no leader", view.Nodes[0].HealthReason);
        Assert.Equal("candidate", view.Nodes[0].Role);
        Assert.Equal("unhealthy", view.Status);
        Assert.Contains(_fixture.Log.Lines, line => line is (LogLevel.Warning, "no leader is known, term 4"));
    }

    [Fact]
    public void Refresh_a_peer_that_leads_by_a_higher_ballot_is_the_leader()
    {
        _fixture.HealthyTurn();
        _fixture.Manager.Received(ClusterFixture.Report(2, Role.Leader, round: 5));

        ClusterView view = _fixture.SilentTurn();

        Assert.Equal((2, 5L), (view.LeaderId, view.Term));
    }

    [Fact]
    public void Refresh_a_dead_leader_is_not_shown_as_leader_beside_the_new_one()
    {
        _fixture.HealthyTurn();
        _fixture.Status = _fixture.Status with { Leader = new NodeId(2), Ballot = new Ballot(5, new NodeId(2)) };

        // Neither has reported since: the new leader's last report is a follower's, the dead one's a leader's.
        ClusterView view = _fixture.SilentTurn();

        Assert.Equal(["follower", "unknown", "leader"], view.Nodes.Select(node => node.Role));
        Assert.Equal([false, false, true], view.Nodes.Select(node => node.IsLeader));
    }

    [Fact]
    public void Refresh_a_replica_that_lost_its_leader_does_not_believe_its_last_report()
    {
        _fixture.HealthyTurn();
        _fixture.Status = _fixture.Status with { Role = Role.PreCandidate, Leader = null };

        ClusterView view = _fixture.SilentTurn();

        Assert.Null(view.LeaderId);
        Assert.Equal(["candidate", "unknown", "follower"], view.Nodes.Select(node => node.Role));
    }

    [Fact]
    public void Refresh_a_peer_far_behind_is_degraded_and_healthy_when_it_has_caught_up()
    {
        _fixture.HealthyTurn();
        _fixture.Status = _fixture.Status with { ChosenSlot = new Slot(5000), AppliedSlot = new Slot(5000) };
        _fixture.HealthyTurn();
        _fixture.Manager.Received(ClusterFixture.Report(1, Role.Leader, applied: 5000, chosen: 5000));
        _fixture.Manager.Received(ClusterFixture.Report(2, applied: 3000, chosen: 3000));

        ClusterView view = _fixture.SilentTurn();
        Assert.Equal("it is 2000 slots behind", view.Nodes[2].HealthReason);
        Assert.Equal("degraded", view.Status);

        _fixture.Manager.Received(ClusterFixture.Report(2, applied: 4500, chosen: 5000));
        Assert.Equal("healthy", _fixture.SilentTurn().Status);
    }

    [Fact]
    public void Refresh_a_fast_cluster_is_not_behind_because_a_report_takes_its_time()
    {
        _fixture.HealthyTurn();
        _fixture.Manager.Received(ClusterFixture.Report(2, applied: 100, chosen: 100));
        _fixture.Status = _fixture.Status with { ChosenSlot = new Slot(90_000), AppliedSlot = new Slot(90_000) };

        Assert.Equal(NodeHealth.Healthy, _fixture.SilentTurn().Nodes[2].Health);
    }

    [Fact]
    public void Refresh_this_replica_behind_its_peers_is_degraded()
    {
        _fixture.HealthyTurn();
        _fixture.Manager.Received(ClusterFixture.Report(1, Role.Leader, applied: 9000, chosen: 9000));
        _fixture.SilentTurn();

        ClusterView view = _fixture.SilentTurn();

        Assert.Equal("it is 8900 slots behind", view.Nodes[0].HealthReason);
        Assert.Equal(8900, _fixture.Manager.LagSlots);
    }

    [Fact]
    public void Received_a_stranger_is_dropped_with_a_line()
    {
        _fixture.Manager.Received(ClusterFixture.Report(7));
        _fixture.Manager.Received(ClusterFixture.Report(0));

        Assert.Equal(3, _fixture.SilentTurn().Nodes.Count);
        Assert.Equal(2, _fixture.Log.Lines.Count(line => line.Message.Contains("not a configured replica")));
    }

    [Fact]
    public void Received_another_hash_at_the_same_slot_raises_the_alarm_once()
    {
        using MeterProbe probe = new(_fixture.Meters);
        _fixture.HealthyTurn();
        _fixture.TakeOwnHash(64, 0x1111);
        _fixture.TakeOwnHash(128, 0x3333);

        // The peer is behind with hashing: its slot 64 comes when this replica is at 128.
        _fixture.Manager.Received(ClusterFixture.Report(2, hashedSlot: 64, hash: 0x2222));
        _fixture.Manager.Received(ClusterFixture.Report(2, hashedSlot: 64, hash: 0x2222));
        _fixture.Manager.Received(ClusterFixture.Report(1, Role.Leader, hashedSlot: 64, hash: 0x1111));
        _fixture.Manager.Refresh(isInterval: false);

        (LogLevel level, string message) = Assert.Single(_fixture.Log.Lines, line => line.Level == LogLevel.Critical);
        Assert.StartsWith(
            "STATE DIVERGED: at slot 64 this replica's state hash is 0000000000001111, node-2's is 0000000000002222",
            message, StringComparison.Ordinal);
        Assert.Equal(["kvcloud.cluster.divergence{peer=2} 1"], probe.Values(MeterNames.ClusterDivergence));
        Assert.True(_fixture.Manager.HasDiverged);
        ClusterView view = _fixture.Manager.View;
        Assert.Equal([NodeHealth.Degraded, NodeHealth.Healthy, NodeHealth.Degraded], Healths(view));
        Assert.Equal("unhealthy", view.Status);
        Assert.Equal("its state differs from this replica's at the same slot", view.Nodes[2].HealthReason);
    }

    [Fact]
    public void Refresh_a_hash_heard_before_its_own_is_compared_when_that_comes()
    {
        _fixture.Manager.Received(ClusterFixture.Report(1, Role.Leader, hashedSlot: 64, hash: 1));
        Assert.False(_fixture.Manager.HasDiverged);

        _fixture.Status = _fixture.Status with { HashedSlot = new Slot(64), StateHash = 2 };
        _fixture.SilentTurn();

        Assert.True(_fixture.Manager.HasDiverged);
    }

    [Fact]
    public void Received_equal_hashes_at_a_later_slot_end_the_alarm()
    {
        _fixture.TakeOwnHash(64, 1);
        _fixture.Manager.Received(ClusterFixture.Report(2, hashedSlot: 64, hash: 2));
        Assert.True(_fixture.Manager.HasDiverged);

        _fixture.TakeOwnHash(128, 3);
        _fixture.Manager.Received(ClusterFixture.Report(2, hashedSlot: 128, hash: 3));

        Assert.False(_fixture.Manager.HasDiverged);
    }

    [Fact]
    public void ClientEndpointOf_is_as_configured_and_LeaderEndpoint_follows_the_status()
    {
        _fixture.Identities[new NodeId(5)] = new PeerIdentity(
            "kvcloud", 5, 1, "elsewhere:9090", "", new GroupTerms("0,1,2,5", 400, 320));

        Assert.Equal("localhost:9092", _fixture.Manager.ClientEndpointOf(new NodeId(2)));
        Assert.Equal("elsewhere:9090", _fixture.Manager.ClientEndpointOf(new NodeId(5)));
        Assert.Null(_fixture.Manager.ClientEndpointOf(new NodeId(6)));
        Assert.Equal("localhost:9091", _fixture.Manager.LeaderEndpoint());
        _fixture.Status = _fixture.Status with { Leader = null };
        Assert.Null(_fixture.Manager.LeaderEndpoint());
    }

    [Fact]
    public void Refresh_a_peer_knows_its_own_http_endpoint_better()
    {
        _fixture.Identities[new NodeId(1)] = new PeerIdentity(
            "kvcloud", 1, 1, "localhost:9091", "localhost:8081", new GroupTerms("0,1,2", 400, 320));

        ClusterView view = _fixture.HealthyTurn();

        Assert.Equal(
            ["localhost:9290", "localhost:8081", "localhost:9292"], view.Nodes.Select(node => node.HttpEndpoint));
        Assert.Equal("127.0.0.1:9191", view.Nodes[1].PeerEndpoint);
    }

    [Fact]
    public async Task ExecuteAsync_turns_at_start_each_interval_and_when_asked()
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
        await _fixture.Manager.StartAsync(deadline.Token);
        await SentAsync(1, deadline.Token);

        _fixture.Time.Advance(TimeSpan.FromMilliseconds(_fixture.Options.HealthCheckIntervalMs));
        await SentAsync(2, deadline.Token);

        _fixture.Status = _fixture.Status with { Leader = new NodeId(2) };
        _fixture.Manager.Renew();
        await SentAsync(3, deadline.Token);
        await _fixture.Manager.StopAsync(deadline.Token);

        Assert.Equal(2, _fixture.Manager.View.LeaderId);
    }

    [Fact]
    public async Task ExecuteAsync_another_leader_is_seen_long_before_the_next_interval()
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
        await _fixture.Manager.StartAsync(deadline.Token);
        await SentAsync(1, deadline.Token);

        _fixture.Status = _fixture.Status with { Leader = new NodeId(2), Ballot = new Ballot(5, new NodeId(2)) };
        _fixture.Time.Advance(TimeSpan.FromMilliseconds(50));
        await SentAsync(2, deadline.Token);
        await _fixture.Manager.StopAsync(deadline.Token);

        Assert.Equal(2, _fixture.Manager.View.LeaderId);
    }

    [Fact]
    public async Task ExecuteAsync_remembers_every_hash_between_two_refreshes()
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
        await _fixture.Manager.StartAsync(deadline.Token);
        await SentAsync(1, deadline.Token);
        for (int slot = 256; slot <= 2560; slot += 256)
        {
            _fixture.Status = _fixture.Status with { HashedSlot = new Slot(slot), StateHash = (ulong)slot };
            _fixture.Time.Advance(TimeSpan.FromMilliseconds(50));
        }

        _fixture.Manager.Received(ClusterFixture.Report(2, hashedSlot: 512, hash: 1));
        await _fixture.Manager.StopAsync(deadline.Token);

        Assert.True(_fixture.Manager.HasDiverged);
    }

    private static IEnumerable<NodeHealth> Healths(ClusterView view) => view.Nodes.Select(node => node.Health);

    private async Task SentAsync(int count, CancellationToken cancellationToken)
    {
        while (_fixture.Sent.Count < count)
        {
            await Task.Delay(5, cancellationToken);
        }
    }
}
