using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>Finds out what happened between two samples of the cluster.</summary>
public static class EventDetector
{
    public static IEnumerable<ClusterEvent> Between(ClusterSample earlier, ClusterSample later)
    {
        if (earlier.Nodes.Count == 0)
        {
            yield break;
        }

        foreach (ClusterEvent one in NodeEvents(earlier, later))
        {
            yield return one;
        }

        if (later.LeaderId is int leader)
        {
            if (leader != earlier.LeaderId)
            {
                yield return new ClusterEvent(
                    later.At, EventSeverity.Warning, $"node-{leader} leads, in round {later.Term}");
            }
        }
        else if (earlier.LeaderId is int former)
        {
            yield return new ClusterEvent(
                later.At, EventSeverity.Error, $"no node leads; node-{former} led before");
        }

        foreach (ClusterEvent one in MemberEvents(earlier, later))
        {
            yield return one;
        }
    }

    private static IEnumerable<ClusterEvent> NodeEvents(ClusterSample earlier, ClusterSample later)
    {
        foreach ((int id, NodeSample now) in later.Nodes)
        {
            NodeSample? before = earlier.Nodes.GetValueOrDefault(id);
            if (before is null)
            {
                continue;
            }

            if (before.IsUp != now.IsUp)
            {
                yield return now.IsUp
                    ? new ClusterEvent(later.At, EventSeverity.Info, $"node-{id} answers again")
                    : new ClusterEvent(later.At, EventSeverity.Error, $"node-{id} does not answer: {now.Error}");
                continue;
            }

            MemberStatus? self = now.Status?.Self;
            MemberStatus? selfBefore = before.Status?.Self;
            if (self?.UptimeSeconds < selfBefore?.UptimeSeconds)
            {
                yield return new ClusterEvent(later.At, EventSeverity.Warning, $"node-{id} was started anew");
            }

            if (self is not null && self.Health != selfBefore?.Health)
            {
                yield return new ClusterEvent(
                    later.At,
                    self.Health == "healthy" ? EventSeverity.Info : EventSeverity.Warning,
                    self.HealthReason is { Length: > 0 } reason
                        ? $"node-{id} is {self.Health}: {reason}"
                        : $"node-{id} is {self.Health}");
            }

            if (now.Status?.Snapshot is { } snapshot && before.Status?.Snapshot is null)
            {
                yield return new ClusterEvent(
                    later.At, EventSeverity.Warning, $"node-{id} fetches a snapshot from node-{snapshot.From}");
            }
        }
    }

    private static IEnumerable<ClusterEvent> MemberEvents(ClusterSample earlier, ClusterSample later)
    {
        // No node answered at one of the two moments: that says nothing about the members.
        if (earlier.Members.Count == 0 || later.Members.Count == 0)
        {
            yield break;
        }

        var before = earlier.Members.Select(member => member.NodeId).ToHashSet();
        var now = later.Members.Select(member => member.NodeId).ToHashSet();
        foreach (int id in now.Except(before))
        {
            yield return new ClusterEvent(later.At, EventSeverity.Info, $"node-{id} is a member now");
        }

        foreach (int id in before.Except(now))
        {
            yield return new ClusterEvent(later.At, EventSeverity.Warning, $"node-{id} is no longer a member");
        }
    }
}
