using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>
/// Finds out what happened between two samples of the cluster: who does not answer, which no node can tell, and for who
/// may not read the nodes' own events, what the cluster's answers differ in.
/// </summary>
public static class EventDetector
{
    private static readonly IReadOnlyList<string> SeenBy = ["console"];

    /// <param name="nodesTell">Whether the nodes' own events are read.</param>
    public static IEnumerable<ClusterEvent> Between(ClusterSample earlier, ClusterSample later, bool nodesTell)
    {
        IEnumerable<(EventSeverity Severity, string Text)> changes = Reachability(earlier, later);
        if (!nodesTell)
        {
            changes = changes.Concat(Health(earlier, later)).Concat(Leadership(earlier, later))
                .Concat(Members(earlier, later));
        }

        return changes.Select(change => new ClusterEvent(later.At, change.Severity, change.Text, SeenBy));
    }

    private static IEnumerable<(EventSeverity, string)> Reachability(ClusterSample earlier, ClusterSample later)
    {
        foreach ((int id, NodeSample before, NodeSample now) in Both(earlier, later))
        {
            if (before.IsUp != now.IsUp)
            {
                yield return now.IsUp
                    ? (EventSeverity.Info, $"node-{id} answers again")
                    : (EventSeverity.Error, $"node-{id} does not answer: {now.Error}");
            }
        }
    }

    private static IEnumerable<(EventSeverity, string)> Health(ClusterSample earlier, ClusterSample later)
    {
        foreach ((int id, NodeSample before, NodeSample now) in Both(earlier, later))
        {
            if (before.Status?.Self is not { } self || now.Status?.Self is not { } selfNow)
            {
                continue;
            }

            if (selfNow.UptimeSeconds < self.UptimeSeconds)
            {
                yield return (EventSeverity.Warning, $"node-{id} was started anew");
            }

            if (selfNow.Health != self.Health)
            {
                yield return (
                    selfNow.Health == "healthy" ? EventSeverity.Info : EventSeverity.Warning,
                    selfNow.HealthReason is { Length: > 0 } reason
                        ? $"node-{id} is {selfNow.Health}: {reason}"
                        : $"node-{id} is {selfNow.Health}");
            }
        }
    }

    private static IEnumerable<(EventSeverity, string)> Leadership(ClusterSample earlier, ClusterSample later)
    {
        if (earlier.Nodes.Count == 0 || earlier.LeaderId == later.LeaderId)
        {
            yield break;
        }

        yield return later.LeaderId is int leader
            ? (EventSeverity.Warning, $"node-{leader} leads, term {later.Term}")
            : (EventSeverity.Error, $"no node leads; node-{earlier.LeaderId} led before");
    }

    private static IEnumerable<(EventSeverity, string)> Members(ClusterSample earlier, ClusterSample later)
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
            yield return (EventSeverity.Info, $"node-{id} is a member now");
        }

        foreach (int id in before.Except(now))
        {
            yield return (EventSeverity.Warning, $"node-{id} is no longer a member");
        }
    }

    private static IEnumerable<(int Id, NodeSample Before, NodeSample Now)> Both(
        ClusterSample earlier, ClusterSample later)
    {
        foreach ((int id, NodeSample now) in later.Nodes)
        {
            if (earlier.Nodes.TryGetValue(id, out NodeSample? before))
            {
                yield return (id, before, now);
            }
        }
    }
}
