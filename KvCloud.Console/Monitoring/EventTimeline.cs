using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>
/// What the nodes tell at /events and what the console itself saw, in the order of time. What several nodes tell of the
/// group is one entry, with the names of those who tell it.
/// </summary>
public sealed class EventTimeline
{
    /// <summary>Events that are kept of each node, and of the console.</summary>
    public const int MaxEventsOfSource = 200;

    /// <summary>
    /// Nodes learn of the same event within an election's time of each other, and their clocks differ by less than that
    /// if they are set at all.
    /// </summary>
    private static readonly TimeSpan SameWithin = TimeSpan.FromSeconds(10);

    private static readonly HashSet<string> AboutTheGroup = new(StringComparer.Ordinal)
    {
        "leader_elected", "leader_lost", "health_changed", "member_added", "member_promoted", "member_demoted",
        "member_removed", "feature_level_raised",
    };

    private readonly SortedDictionary<int, List<NodeEvent>> _told = [];
    private readonly Dictionary<int, long> _next = [];
    private readonly List<ClusterEvent> _seen = [];
    private IReadOnlyList<ClusterEvent>? _newest;

    /// <summary>Newest first.</summary>
    public IReadOnlyList<ClusterEvent> Newest => _newest ??= Merge();

    /// <summary>What the node is to be asked for next; null before its first answer.</summary>
    public long? NextOf(int node) => _next.TryGetValue(node, out long next) ? next : null;

    public void Add(int node, NodeEvents answer)
    {
        _next[node] = answer.Next;
        if (answer.Events.Count == 0)
        {
            return;
        }

        if (!_told.TryGetValue(node, out List<NodeEvent>? events))
        {
            _told[node] = events = [];
        }

        events.AddRange(answer.Events);
        Shorten(events);
        _newest = null;
    }

    /// <summary>What the console saw.</summary>
    public void Add(ClusterEvent one)
    {
        _seen.Add(one);
        Shorten(_seen);
        _newest = null;
    }

    private static void Shorten<T>(List<T> events)
    {
        if (events.Count > MaxEventsOfSource)
        {
            events.RemoveRange(0, events.Count - MaxEventsOfSource);
        }
    }

    private IReadOnlyList<ClusterEvent> Merge()
    {
        var merged = new List<ClusterEvent>(_seen);
        var open = new Dictionary<(string, string, int?, long?), (DateTimeOffset At, List<string> SeenBy)>();
        IEnumerable<(int Teller, NodeEvent Event)> inOrder = _told
            .SelectMany(node => node.Value, (node, one) => (node.Key, one))
            .OrderBy(one => one.one.Time);
        foreach ((int teller, NodeEvent one) in inOrder)
        {
            string name = $"node-{teller}";
            bool isShared = AboutTheGroup.Contains(one.Type);
            (string, string, int?, long?) what = (one.Type, one.Severity, one.NodeId, one.Term);
            if (isShared
                && open.TryGetValue(what, out (DateTimeOffset At, List<string> SeenBy) first)
                && one.Time - first.At <= SameWithin
                && !first.SeenBy.Contains(name))
            {
                first.SeenBy.Add(name);
                continue;
            }

            List<string> seenBy = [name];
            if (isShared)
            {
                open[what] = (one.Time, seenBy);
            }

            merged.Add(new ClusterEvent(
                one.Time, SeverityOf(one.Severity), isShared ? one.Message : $"{name}: {one.Message}", seenBy));
        }

        return [.. merged.OrderByDescending(one => one.At)];
    }

    private static EventSeverity SeverityOf(string severity) => severity switch
    {
        "info" => EventSeverity.Info,
        "warning" => EventSeverity.Warning,
        _ => EventSeverity.Error,
    };
}
