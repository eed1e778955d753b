using KvCloud.Node.Access;
using KvCloud.Node.Cluster;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Calls about the node and the cluster: ping, health, statistics, fault injection.</summary>
internal static class AdminMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend, FaultInjector faults, TimeProvider time) =>
    [
        new Ping(backend, time),
        new SetFaultInjection(backend, faults),
        new GetClusterHealth(backend),
        new GetDatabaseStats(backend),
        new GetNodeInfo(backend),
        new ChangeMembers(backend),
    ];

    private static NodeStatus StatusOf(NodeView node, ClusterView view, KvBackend backend)
    {
        var status = new NodeStatus(
            node.NodeId, node.ClientEndpoint, HealthOf(node.Health), node.IsLeader, node.LastSeenUnixMs, node.Term)
        {
            Role = node.Role,
            AppliedSlot = node.AppliedSlot,
            ChosenSlot = node.ChosenSlot,
            LagSlots = Math.Max(0, node.ChosenSlot - node.AppliedSlot),
            AppliedVersion = node.AppliedVersion,
            PeerEndpoint = node.PeerEndpoint,
            MemberRole = node.IsLearner ? "learner" : "voter",
        };
        if (node.UptimeSeconds is { } uptime)
        {
            status.UptimeSeconds = uptime;
        }

        if (node.HealthReason is { } reason)
        {
            status.StatusReason = reason;
        }

        if (node.HttpEndpoint.Length > 0)
        {
            status.HttpEndpoint = node.HttpEndpoint;
        }

        if (node.NodeId == view.SelfId)
        {
            status.Version = backend.Options.ServerVersion;
        }

        AddRelease(status, node);
        return status;
    }

    private static void AddRelease(NodeStatus status, NodeView node)
    {
        if (node.FeatureLevel > 0)
        {
            status.FeatureLevel = node.FeatureLevel;
        }

        if (node.Release is not { } release)
        {
            return;
        }

        status.MinWireVersion = release.MinWire;
        status.MaxWireVersion = release.MaxWire;
        status.SupportedFeatureLevel = release.SupportedLevel;
        if (release.Program.Length > 0)
        {
            status.Version = release.Program;
        }
    }

    private static string HealthOf(NodeHealth health) => health switch
    {
        NodeHealth.Healthy => "healthy",
        NodeHealth.Degraded => "degraded",
        NodeHealth.Unreachable => "unreachable",
        _ => "unknown",
    };

    private sealed class Ping(KvBackend backend, TimeProvider time)
        : NodeMethod<PingRequest, PingResponse>("ping", backend)
    {
        protected override PingResponse Answer(PingRequest request) =>
            new(request.Message ?? [], request.Timestamp, ServerTimestamp());

        /// <summary>
        /// PingResponse has no error field. A refused ping therefore looks like an empty answer; only a full node
        /// refuses one.
        /// </summary>
        protected override PingResponse NewAnswer() => new([], 0, ServerTimestamp());

        /// <summary>Microseconds since the Unix epoch.</summary>
        private long ServerTimestamp() =>
            (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    }

    private sealed class SetFaultInjection(KvBackend backend, FaultInjector faults)
        : NodeMethod<FaultInjectionRequest, FaultInjectionResponse>("setFaultInjection", backend)
    {
        protected override FaultInjectionResponse Answer(FaultInjectionRequest request)
        {
            if (!Backend.Options.AllowFaultInjection)
            {
                return Refused(new Refusal(
                    ErrorCode.NOT_SUPPORTED, "Fault injection is not allowed by this node's configuration"));
            }

            return faults.Configure(request) is { } wrong
                ? Refused(Refusal.InvalidArgument(wrong))
                : new FaultInjectionResponse(true);
        }

        protected override void Note(Caller caller, FaultInjectionRequest request) => Backend.Access.Audit.FaultsSet(
            caller.Principal, caller.Remote, request.TargetOperation is { Length: > 0 } ? "one method" : "all methods");
    }

    private sealed class GetClusterHealth(KvBackend backend)
        : NodeMethod<GetClusterHealthRequest, GetClusterHealthResponse>("getClusterHealth", backend)
    {
        protected override GetClusterHealthResponse Answer(GetClusterHealthRequest request)
        {
            ClusterView view = Backend.View;
            var nodes = view.Nodes.Select(node => StatusOf(node, view, Backend)).ToList();
            var health = new ClusterHealth(
                nodes, view.Nodes.Count(node => node.Health == NodeHealth.Healthy), nodes.Count, view.Status, view.Term)
            {
                ClusterId = view.ClusterId,
                AnsweredBy = view.SelfId,
                FeatureLevel = view.FeatureLevel,
            };
            if (view.Leader is { } leader)
            {
                health.Leader = StatusOf(leader, view, Backend);
            }

            return new GetClusterHealthResponse(true) { ClusterHealth = health };
        }
    }

    private sealed class GetNodeInfo(KvBackend backend)
        : NodeMethod<GetNodeInfoRequest, GetNodeInfoResponse>("getNodeInfo", backend)
    {
        protected override GetNodeInfoResponse Answer(GetNodeInfoRequest request)
        {
            ClusterView view = Backend.View;
            int wanted = request.__isset.node_id ? request.NodeId : view.SelfId;
            if (view.Nodes.FirstOrDefault(node => node.NodeId == wanted) is { } found)
            {
                return new GetNodeInfoResponse(true) { NodeInfo = StatusOf(found, view, Backend) };
            }

            string known = string.Join(", ", view.Nodes.Select(node => node.NodeId));
            return Refused(Refusal.InvalidArgument($"node_id {wanted} is not in this cluster, which has {known}"));
        }
    }

    private sealed class GetDatabaseStats(KvBackend backend)
        : NodeMethod<GetDatabaseStatsRequest, GetDatabaseStatsResponse>("getDatabaseStats", backend)
    {
        /// <summary>A small column family is counted key by key, which may visit many keys.</summary>
        protected override bool IsCostly => true;

        protected override GetDatabaseStatsResponse Answer(GetDatabaseStatsRequest request)
        {
            StoreStatistics store = Backend.Reader.GetStatistics();
            RpcStatistics calls = Backend.Statistics;
            var stats = new DatabaseStats(
                store.TotalKeys,
                store.SizeBytes,
                calls.Writes,
                calls.Reads,
                calls.AverageResponseTimeMs,
                calls.ActiveTransactions,
                calls.CommittedTransactions,
                calls.AbortedTransactions)
            {
                OldestReadableVersion = Backend.Reader.OldestReadableVersion.Value,
                AppliedVersion = Backend.Reader.AppliedVersion.Value,
            };
            if (store.CacheHitPercent is { } hits)
            {
                stats.CacheHitRatePercent = hits;
            }

            if (store.CompactionPendingBytes is { } pending)
            {
                stats.CompactionPendingBytes = pending;
            }

            if (request.IncludeDetailedStats)
            {
                stats.Details = store.Details.ToDictionary(figure => figure.Key, figure => figure.Value);
                stats.Details["applied_transactions_committed"] = store.CommittedTransactions;
                stats.Details["applied_transactions_refused"] = store.RefusedTransactions;
            }

            return new GetDatabaseStatsResponse(true) { DatabaseStats = stats };
        }
    }
}
