using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.History;
using KvCloud.Node.Replication;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Cluster;

/// <summary>Node 0 of three, with a clock, a status and links that the test sets.</summary>
internal sealed class ClusterFixture : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public ClusterFixture(params string[] peerEndpoints)
    {
        NodeOptions options = new()
        {
            Deployment = new DeploymentOptions
            {
                Mode = DeploymentMode.Replicated,
                ReplicaEndpoints = ["localhost:9090", "localhost:9091", "localhost:9092"],
            },
            Consensus = new ConsensusOptions { Endpoints = peerEndpoints },
        };
        Topology = NodeTopology.From(options);
        Options = options.Cluster;
        Feeds = new ClusterFeeds(
            () => Status, () => Links, Sent.Enqueue, node => Identities.GetValueOrDefault(node), () => NotMet);
        Metrics = new ClusterMetrics(_services.GetRequiredService<IMeterFactory>());
        Events = new EventHistory(Time);
        Manager = new ClusterManager(
            Topology, Options, Feeds, Time, Metrics, Events, new LoggerFactory([Log]).CreateLogger<ClusterManager>());
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public RecordingLog Log { get; } = new();

    public NodeTopology Topology { get; }

    public ClusterOptions Options { get; }

    public ClusterFeeds Feeds { get; }

    public ClusterMetrics Metrics { get; }

    public EventHistory Events { get; }

    public ClusterManager Manager { get; }

    public ConcurrentQueue<PeerReport> Sent { get; } = new();

    public Dictionary<NodeId, PeerIdentity> Identities { get; } = [];

    /// <summary>A follower of node 1 in term 4.</summary>
    public ReplicaStatus Status { get; set; } = new(
        new NodeId(0), Role.Follower, new Ballot(4, new NodeId(1)), new NodeId(1), new Slot(100), new Slot(100), 90, 1,
        Slot.Zero, 0);

    public IReadOnlyList<PeerLink> Links { get; set; } = [Link(1), Link(2)];

    /// <summary>None: this replica takes part.</summary>
    public IReadOnlyList<int> NotMet { get; set; } = [];

    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public static PeerLink Link(int peer, bool isConnected = true, string? refused = null) =>
        new(new NodeId(peer), $"127.0.0.1:{9190 + peer}", isConnected, 1, 10, 20, 4, 5, 3, 0, refused);

    public static PeerReport Report(
        int from, Role role = Role.Follower, long round = 4, long applied = 100, long chosen = 100, long hashedSlot = 0,
        ulong hash = 0) =>
        new(new NodeId(from), role, new Ballot(round, new NodeId(role == Role.Leader ? from : 1)), new Slot(applied),
            new Slot(chosen), 90, 60, new Slot(hashedSlot), hash);

    /// <summary>An interval passes in which both peers report; node 1 leads.</summary>
    public ClusterView HealthyTurn()
    {
        Time.Advance(TimeSpan.FromMilliseconds(Options.HealthCheckIntervalMs));
        Manager.Received(Report(1, Role.Leader));
        Manager.Received(Report(2));
        Manager.Refresh(isInterval: true);
        return Manager.View;
    }

    public void TakeOwnHash(long slot, ulong hash)
    {
        Status = Status with { HashedSlot = new Slot(slot), StateHash = hash };
        Manager.TakeOwnHash(Status);
    }

    /// <summary>An interval passes in which nobody reports.</summary>
    public ClusterView SilentTurn()
    {
        Time.Advance(TimeSpan.FromMilliseconds(Options.HealthCheckIntervalMs));
        Manager.Refresh(isInterval: true);
        return Manager.View;
    }

    public void Dispose()
    {
        Manager.Dispose();
        _services.Dispose();
    }
}
