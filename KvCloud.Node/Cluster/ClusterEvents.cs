using KvCloud.Node.History;

namespace KvCloud.Node.Cluster;

/// <summary>Notes as events what changed between two views of the cluster.</summary>
internal static class ClusterEvents
{
    public static void NoteChanges(this EventHistory events, ClusterView before, ClusterView after)
    {
        if (before.FeatureLevel != after.FeatureLevel)
        {
            events.Add(new NodeEvent(
                EventTypes.FeatureLevelRaised,
                EventSeverities.Info,
                $"the group's feature level is {after.FeatureLevel}; it was {before.FeatureLevel}"));
        }

        if (before.LeaderId != after.LeaderId)
        {
            events.Add(LeaderEvent(before, after));
        }

        foreach (NodeView now in after.Nodes)
        {
            NoteNode(events, before.Nodes.FirstOrDefault(old => old.NodeId == now.NodeId), now);
        }

        foreach (NodeView gone in before.Nodes.Where(old => after.Nodes.All(now => now.NodeId != old.NodeId)))
        {
            events.Add(new NodeEvent(
                EventTypes.MemberRemoved, EventSeverities.Warning, $"node-{gone.NodeId} was removed from the group")
            {
                NodeId = gone.NodeId,
            });
        }
    }

    public static void NoteDivergence(this EventHistory events, string type, Divergence found) =>
        events.Add(new NodeEvent(
            type,
            EventSeverities.Error,
            type == EventTypes.StateDiverged
                ? $"this replica and {found.Peer} have applied different effects at slot {found.Slot}"
                : $"this replica and {found.Peer} have stored different rows at slot {found.Slot}")
        {
            NodeId = found.Peer.Value,
            Slot = found.Slot.Value,
        });

    private static NodeEvent LeaderEvent(ClusterView before, ClusterView after) => after.LeaderId is int leader
        ? new NodeEvent(
            EventTypes.LeaderElected, EventSeverities.Warning, $"node-{leader} leads, term {after.Term}")
        {
            NodeId = leader,
            Term = after.Term,
        }
        : new NodeEvent(
            EventTypes.LeaderLost,
            EventSeverities.Error,
            $"no leader is known, term {after.Term}; node-{before.LeaderId} led before")
        {
            NodeId = before.LeaderId,
            Term = after.Term,
        };

    private static void NoteNode(EventHistory events, NodeView? old, NodeView now)
    {
        if (old is null)
        {
            events.Add(new NodeEvent(
                EventTypes.MemberAdded,
                EventSeverities.Info,
                $"node-{now.NodeId} was added to the group{(now.IsLearner ? ", without a vote" : "")}")
            {
                NodeId = now.NodeId,
            });
            return;
        }

        if (old.IsLearner != now.IsLearner)
        {
            events.Add(new NodeEvent(
                now.IsLearner ? EventTypes.MemberDemoted : EventTypes.MemberPromoted,
                EventSeverities.Info,
                $"node-{now.NodeId} {(now.IsLearner ? "has no vote any more" : "votes")}")
            {
                NodeId = now.NodeId,
            });
        }

        if (old.Health != now.Health)
        {
            events.Add(new NodeEvent(
                EventTypes.HealthChanged,
                now.Health switch
                {
                    NodeHealth.Healthy => EventSeverities.Info,
                    NodeHealth.Unreachable => EventSeverities.Error,
                    _ => EventSeverities.Warning,
                },
                now.Health == NodeHealth.Healthy
                    ? $"node-{now.NodeId} is {HealthNames.Of(now.Health)}"
                    : $"node-{now.NodeId} is {HealthNames.Of(now.Health)}: {now.HealthReason}")
            {
                NodeId = now.NodeId,
            });
        }
    }
}
