using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>
/// The nodes as the client's own call tells them, for who may not read the nodes' HTTP: roles and slots, no metrics.
/// </summary>
internal static class HealthSamples
{
    public static SortedDictionary<int, NodeSample> From(KvClusterHealth health, Func<NodeSample> newSample)
    {
        MemberStatus[] members = [.. health.Nodes.Select(MemberOf)];
        var samples = new SortedDictionary<int, NodeSample>();
        foreach (KvNodeStatus node in health.Nodes)
        {
            samples[node.Id] = node.Status == "unreachable"
                ? newSample() with { Error = node.StatusReason ?? $"node-{health.AnsweredBy} does not reach it" }
                : newSample() with
                {
                    Status = new NodeStatus
                    {
                        ClusterId = health.ClusterId ?? "",
                        AnsweredBy = node.Id,
                        Version = node.SoftwareVersion,
                        LeaderId = health.Leader?.Id,
                        Term = health.Term,
                        Nodes = members,
                    },
                };
        }

        return samples;
    }

    private static MemberStatus MemberOf(KvNodeStatus node) => new()
    {
        NodeId = node.Id,
        Health = node.Status,
        HealthReason = node.StatusReason,
        Role = node.IsLearner ? "learner" : node.Role,
        IsLeader = node.IsLeader,
        ClientEndpoint = node.Endpoint,
        HttpEndpoint = node.HttpEndpoint,
        UptimeSeconds = (long?)node.Uptime?.TotalSeconds,
        AppliedSlot = node.AppliedSlot ?? 0,
        ChosenSlot = node.ChosenSlot ?? 0,
        LagSlots = node.LagSlots ?? 0,
        AppliedVersion = node.AppliedVersion ?? 0,
    };
}
