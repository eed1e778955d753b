using System.Collections.Concurrent;
using System.Threading.Channels;
using KvCloud.Consensus;
using KvCloud.Node.Configuration;
using KvCloud.Node.History;
using KvCloud.Node.Replication;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

/// <summary>
/// Monitors the group. Every health_check_interval_ms, and whenever the leader changes, it reports this replica's
/// health to the peers and builds a new <see cref="ClusterView"/> from its own status, the peers' reports and the state
/// of the links. It also compares state hashes and raises an alarm when two replicas differ at the same slot; this
/// cannot be disabled.
/// </summary>
/// <remarks>
/// Public members may be called from any thread.
/// Over 400 lines: what is known of each replica is put together, judged and logged in one place.
/// </remarks>
internal sealed class ClusterManager : BackgroundService
{
    /// <summary>
    /// How often the driver's status is polled between two refreshes. The status has only the latest state hash.
    /// Polling this often misses no hash at up to five thousand slots per second, so that a peer's hash always finds
    /// its counterpart.
    /// </summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    private readonly NodeTopology _topology;
    private readonly ClusterOptions _options;
    private readonly ClusterFeeds _feeds;
    private readonly TimeProvider _time;
    private readonly ClusterMetrics _metrics;
    private readonly EventHistory _events;
    private readonly ILogger<ClusterManager> _logger;
    private readonly NodeId _self;
    private readonly long _startTimestamp;
    private readonly ConcurrentDictionary<NodeId, PeerRecord> _records = new();
    private readonly DivergenceDetector _divergence;

    /// <summary>Of the rows as they are stored, which may differ although the same was done to them.</summary>
    private readonly DivergenceDetector _stored;

    // At most two ticks wait while a refresh runs; more would only repeat it.
    private readonly Channel<bool> _refreshes =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(2) { FullMode = BoundedChannelFullMode.DropWrite });

    private volatile Tuple<GroupMembers, IReadOnlyList<ReplicaEndpoints>>? _replicas;
    private volatile ClusterView _view;
    private volatile ReplicaStatus _seen;
    private long _chosenBefore;
    private long _hashedSlot;
    private long _storedSlot;

    public ClusterManager(
        NodeTopology topology,
        ClusterOptions options,
        ClusterFeeds feeds,
        TimeProvider time,
        ClusterMetrics metrics,
        EventHistory events,
        ILogger<ClusterManager> logger)
    {
        _topology = topology;
        _options = options;
        _feeds = feeds;
        _time = time;
        _metrics = metrics;
        _events = events;
        _logger = logger;
        _self = new NodeId(topology.SelfId);
        _startTimestamp = time.GetTimestamp();
        _divergence = new DivergenceDetector(_self);
        _stored = new DivergenceDetector(_self);
        _seen = feeds.Status();
        _view = Build(_seen, feeds.Links());
        _metrics.View = _view;
    }

    private TimeSpan NodeTimeout => TimeSpan.FromMilliseconds(_options.NodeTimeoutMs);

    /// <summary>
    /// The view of the last refresh, up to an interval old. Immutable: a reader can keep the one it took.
    /// </summary>
    public ClusterView View => _view;

    /// <summary>
    /// A view of this moment, for whoever asks this replica for it: this replica's own slots and role are those of now,
    /// the others' those of their latest reports.
    /// </summary>
    public ClusterView Now() => Build(_feeds.Status(), _feeds.Links());

    /// <summary>
    /// Whether this replica and a peer ever had different states at the same slot and have not agreed since.
    /// </summary>
    public bool HasDiverged => _divergence.Any || _stored.Any;

    public long UptimeSeconds => (long)_time.GetElapsedTime(_startTimestamp).TotalSeconds;

    /// <summary>
    /// Slots that this replica or a peer has known to be chosen for at least one interval and that this replica has not
    /// applied.
    /// </summary>
    public long LagSlots => LagOf(_feeds.Status());

    /// <summary>
    /// A replica's client endpoint as configured, else as announced in its handshake; null if neither is known.
    /// </summary>
    public string? ClientEndpointOf(NodeId node) =>
        ReplicasOf(_feeds.Status().Members).FirstOrDefault(replica => replica.NodeId == node.Value)?.ClientEndpoint
        ?? _feeds.IdentityOf(node)?.ClientEndpoint;

    /// <summary>Client endpoint of the leader according to the driver; null if none is known.</summary>
    public string? LeaderEndpoint() => _feeds.Status().Leader is { } leader ? ClientEndpointOf(leader) : null;

    /// <summary>Handles a peer's report of its own health.</summary>
    public void Received(PeerReport report)
    {
        IReadOnlyList<ReplicaEndpoints> replicas = ReplicasOf(_feeds.Status().Members);
        if (report.From == _self || replicas.All(replica => replica.NodeId != report.From.Value))
        {
            _logger.UnknownNodeReported(report.From.Value);
            return;
        }

        long chosen = Math.Max(report.ChosenSlot.Value, Interlocked.Read(ref _chosenBefore));
        _records[report.From] = new PeerRecord(
            report,
            _time.GetTimestamp(),
            _time.GetUtcNow().ToUnixTimeMilliseconds(),
            Math.Max(0, chosen - report.AppliedSlot.Value));
        CheckHash(report.From, report.HashedSlot, report.StateHash);
        CheckStored(report.From, report.StoredSlot, report.StoredHash);
    }

    /// <summary>Requests a new view immediately instead of at the next interval.</summary>
    public void Renew() => _refreshes.Writer.TryWrite(false);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var interval = TimeSpan.FromMilliseconds(_options.HealthCheckIntervalMs);
        using ITimer timer = _time.CreateTimer(
            state => ((ChannelWriter<bool>)state!).TryWrite(true), _refreshes.Writer, TimeSpan.Zero, interval);
        using ITimer looks = _time.CreateTimer(_ => Look(), null, LookInterval, LookInterval);
        using CancellationTokenRegistration stopping = stoppingToken.Register(() => _refreshes.Writer.TryComplete());
        await foreach (bool isInterval in _refreshes.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            try
            {
                Refresh(isInterval);
            }
            catch (Exception exception) when (exception is not InvariantViolationException)
            {
                _logger.RefreshFailed(exception);
            }
        }
    }

    /// <summary>One refresh: reports to the peers, builds the view, and logs what changed.</summary>
    /// <param name="isInterval">
    /// True at the end of an interval, false if something requested a new view earlier.
    /// </param>
    internal void Refresh(bool isInterval)
    {
        ReplicaStatus status = _feeds.Status();
        _seen = status;
        TakeOwnHash(status);
        _feeds.Report(status.ToReport(UptimeSeconds));

        ClusterView before = _view;
        ClusterView after = Build(status, _feeds.Links());
        _view = after;
        _metrics.View = after;
        LogChanges(before, after);
        _events.NoteChanges(before, after);
        if (isInterval)
        {
            // Compare the next reports with what was chosen before they were sent: a replica that keeps up with the
            // others is not behind just because its report took time to arrive.
            long chosen = _records.Values.Select(record => record.Report.ChosenSlot.Value)
                .Append(status.ChosenSlot.Value).Max();
            Interlocked.Exchange(ref _chosenBefore, chosen);
        }
    }

    /// <summary>
    /// The members, each where the record or the configuration has it; before the first change those of the
    /// configuration. A node that is none of them yet, or any more, still shows itself.
    /// </summary>
    private IReadOnlyList<ReplicaEndpoints> ReplicasOf(GroupMembers members)
    {
        if (members.Slot == Slot.Zero)
        {
            return _topology.Replicas;
        }

        if (_replicas is not (GroupMembers known, IReadOnlyList<ReplicaEndpoints> replicas) || known != members)
        {
            replicas =
            [
                .. members.Members.Select(member => member.Id.Value).Append(_self.Value).Distinct().Order()
                    .Select(id => ReplicaOf(members, id)),
            ];
            _replicas = Tuple.Create(members, replicas);
        }

        return replicas;
    }

    private ReplicaEndpoints ReplicaOf(GroupMembers members, int id)
    {
        var data = MemberData.Of(members, id);
        ReplicaEndpoints configured = _topology.Replicas.FirstOrDefault(replica => replica.NodeId == id)
            ?? new ReplicaEndpoints(id, "", "", 0, "");
        return configured with
        {
            ClientEndpoint = data.ClientEndpoint.Length > 0 ? data.ClientEndpoint : configured.ClientEndpoint,
            PeerEndpoint = data.PeerEndpoint.Length > 0 ? data.PeerEndpoint : configured.PeerEndpoint,
            HttpEndpoint = data.HttpEndpoint.Length > 0 ? data.HttpEndpoint : configured.HttpEndpoint,
        };
    }

    private ClusterView Build(ReplicaStatus status, IReadOnlyList<PeerLink> links)
    {
        (NodeId? leader, long term) = FindLeader(status);
        IReadOnlyList<ReplicaEndpoints> replicas = ReplicasOf(status.Members);
        foreach (NodeId gone in _records.Keys.Where(id => replicas.All(replica => replica.NodeId != id.Value)))
        {
            _records.TryRemove(gone, out _);
        }

        NodeView[] nodes = [.. replicas.Select(replica => replica.NodeId == _self.Value
            ? SelfView(replica, status, leader)
            : PeerView(replica, links.FirstOrDefault(link => link.Peer.Value == replica.NodeId), leader, term))
            .Select(node => node with
            {
                IsLearner = status.Members.Find(new NodeId(node.NodeId)) is { IsVoter: false },
            })];
        string health = HealthRules.JudgeCluster(
            [.. nodes.Where(node => !node.IsLearner).Select(node => node.Health)], leader is not null, HasDiverged);
        return new ClusterView(_topology.ClusterId, _self.Value, leader?.Value, term, health, nodes)
        {
            FeatureLevel = status.FeatureLevel,
        };
    }

    /// <summary>
    /// The leader with the highest ballot, according to this replica and to peers that claim to lead. For a ballot that
    /// this replica knows itself, its own knowledge wins, because a dead leader's last report stays fresh for a while.
    /// </summary>
    private (NodeId? Leader, long Term) FindLeader(ReplicaStatus status)
    {
        NodeId? leader = status.Leader;
        Ballot ballot = status.Ballot;
        foreach (PeerRecord record in _records.Values)
        {
            PeerReport report = record.Report;
            if (report.Role == Role.Leader && Age(record) <= NodeTimeout && report.Ballot > ballot)
            {
                (leader, ballot) = (report.From, report.Ballot);
            }
        }

        return (leader, ballot.Round);
    }

    private NodeView SelfView(ReplicaEndpoints replica, ReplicaStatus status, NodeId? leader)
    {
        HealthVerdict verdict = HealthRules.JudgeSelf(
            _feeds.NotMet(), status.Leader is not null, LagOf(status), _options.MaxLagSlots, HasDiverged,
            _feeds.Disk().Trouble, _feeds.DataTrouble());

        // A link has the resolved address of a peer; nobody resolves a service name for this replica itself.
        string peerEndpoint = HostPort.TryParse(replica.PeerEndpoint, out _)
            ? replica.PeerEndpoint
            : _topology.PeerAddress;
        return new NodeView(
            replica.NodeId, replica.ClientEndpoint, peerEndpoint, replica.HttpEndpoint, verdict.Health,
            leader == _self, RoleOf(_self, status.Role, leader), _time.GetUtcNow().ToUnixTimeMilliseconds(),
            status.Ballot.Round, UptimeSeconds, status.AppliedSlot.Value, status.ChosenSlot.Value,
            status.AppliedVersion,
            verdict.Reason)
        {
            Release = _feeds.Release,
            FeatureLevel = status.FeatureLevel,
        };
    }

    private NodeView PeerView(ReplicaEndpoints replica, PeerLink? link, NodeId? leader, long term)
    {
        NodeId id = new(replica.NodeId);
        PeerRecord? record = _records.GetValueOrDefault(id);
        PeerReport? report = record?.Report;
        HealthVerdict verdict = HealthRules.JudgePeer(
            record is null ? null : Age(record), NodeTimeout, link, leader is not null, record?.LagSlots ?? 0,
            _options.MaxLagSlots, _divergence.IsDiverged(id) || _stored.IsDiverged(id),
            report?.Data ?? DataState.Sound);
        PeerIdentity? identity = _feeds.IdentityOf(id);
        return new NodeView(
            replica.NodeId,
            replica.ClientEndpoint,
            string.IsNullOrEmpty(link?.Endpoint) ? replica.PeerEndpoint : link.Endpoint,
            string.IsNullOrEmpty(identity?.HttpEndpoint) ? replica.HttpEndpoint : identity.HttpEndpoint,
            verdict.Health,
            leader == id,
            RoleOf(id, report?.Role, leader),
            record?.ReceivedUnixMs ?? 0,
            report?.Ballot.Round ?? (leader == id ? term : 0),
            report?.UptimeSeconds,
            report?.AppliedSlot.Value ?? 0,
            report?.ChosenSlot.Value ?? 0,
            report?.AppliedVersion ?? 0,
            verdict.Reason)
        {
            Release = link?.Release,
            FeatureLevel = report?.FeatureLevel ?? 0,
        };
    }

    /// <summary>
    /// The role a peer last reported, except for who leads: a new leader's report may not have arrived yet, and a
    /// former leader may have died without reporting a new role.
    /// </summary>
    private static string RoleOf(NodeId node, Role? heard, NodeId? leader) =>
        leader == node ? HealthNames.Of(Role.Leader)
        : heard is null or Role.Leader ? HealthNames.UnknownRole
        : HealthNames.Of(heard.Value);

    private TimeSpan Age(PeerRecord record) => _time.GetElapsedTime(record.ReceivedTimestamp);

    private long LagOf(ReplicaStatus status) =>
        Math.Max(0, Math.Max(status.ChosenSlot.Value, Interlocked.Read(ref _chosenBefore)) - status.AppliedSlot.Value);

    /// <summary>
    /// Polls the status between two refreshes: takes the latest hash, and requests a new view if the leader changed.
    /// </summary>
    private void Look()
    {
        ReplicaStatus status = _feeds.Status();
        TakeOwnHash(status);
        ReplicaStatus seen = _seen;
        if (status.Leader != seen.Leader || status.Role != seen.Role || status.Ballot != seen.Ballot)
        {
            Renew();
        }
    }

    /// <summary>Records this replica's latest state hash unless it is already recorded.</summary>
    internal void TakeOwnHash(ReplicaStatus status)
    {
        if (Interlocked.Exchange(ref _hashedSlot, status.HashedSlot.Value) != status.HashedSlot.Value)
        {
            CheckHash(_self, status.HashedSlot, status.StateHash);
        }

        if (Interlocked.Exchange(ref _storedSlot, status.Stored.Slot.Value) != status.Stored.Slot.Value)
        {
            CheckStored(_self, status.Stored.Slot, status.Stored.Hash);
        }
    }

    private void CheckStored(NodeId from, Slot slot, ulong hash)
    {
        foreach (Divergence found in _stored.Add(from, slot, hash))
        {
            _logger.StoredRowsDiverged(found.Slot.Value, found.OwnHash, found.Peer.Value, found.PeerHash);
            _events.NoteDivergence(EventTypes.StoredRowsDiverged, found);
            _metrics.CountDivergence(found.Peer);
            Renew();
        }
    }

    private void CheckHash(NodeId from, Slot slot, ulong hash)
    {
        foreach (Divergence found in _divergence.Add(from, slot, hash))
        {
            _logger.StateDiverged(found.Slot.Value, found.OwnHash, found.Peer.Value, found.PeerHash);
            _events.NoteDivergence(EventTypes.StateDiverged, found);
            _metrics.CountDivergence(found.Peer);
            Renew();
        }
    }

    private void LogChanges(ClusterView before, ClusterView after)
    {
        if (before.FeatureLevel != after.FeatureLevel)
        {
            _logger.FeatureLevelRose(before.FeatureLevel, after.FeatureLevel);
        }

        if (before.LeaderId != after.LeaderId)
        {
            if (after.LeaderId is int leader)
            {
                _metrics.CountLeaderChange();
                _logger.LeaderKnown(leader, after.Term);
            }
            else
            {
                _logger.LeaderLost(after.Term);
            }
        }

        foreach ((NodeView old, NodeView now) in before.Nodes.Zip(after.Nodes))
        {
            if (old.Health != now.Health)
            {
                LogHealth(now);
            }
        }
    }

    private void LogHealth(NodeView node)
    {
        if (node.Health == NodeHealth.Healthy)
        {
            _logger.BecameHealthy(node.NodeId, HealthNames.Of(node.Health));
        }
        else
        {
            _logger.HealthDegraded(node.NodeId, HealthNames.Of(node.Health), node.HealthReason);
        }
    }
}
