namespace KvCloud.Monitoring;

/// <summary>All nodes at one moment, by ascending id, and what each did since the moment before.</summary>
public sealed record ClusterSample(
    DateTimeOffset At,
    IReadOnlyDictionary<int, NodeSample> Nodes,
    IReadOnlyDictionary<int, NodeRates> Rates)
{
    public static readonly ClusterSample Empty = new(
        DateTimeOffset.MinValue, new Dictionary<int, NodeSample>(), new Dictionary<int, NodeRates>());

    /// <summary>The leader by the newest ballot that any node knows of; null if nobody leads.</summary>
    public int? LeaderId => Nodes.Values
        .Select(node => node.Status)
        .OfType<NodeStatus>()
        .OrderByDescending(status => status.Term)
        .FirstOrDefault(status => status.LeaderId is not null)?.LeaderId is int leader
            && Nodes.TryGetValue(leader, out NodeSample? sample) && sample.IsUp
                ? leader
                : null;

    public long Term => Nodes.Values.Max(node => node.Status?.Term) ?? 0;

    public string? ClusterId =>
        Nodes.Values.Select(node => node.Status?.ClusterId).FirstOrDefault(id => id is not null);

    /// <summary>The members as the nodes that answered list them.</summary>
    public IReadOnlyList<MemberStatus> Members =>
    [
        .. Nodes.Values
            .Select(node => node.Status)
            .OfType<NodeStatus>()
            .OrderByDescending(status => status.AnsweredBy == LeaderId)
            .ThenByDescending(status => status.Term)
            .FirstOrDefault()?.Nodes.OrderBy(node => node.NodeId) ?? Enumerable.Empty<MemberStatus>(),
    ];

    /// <summary>Members that count for a majority: all but learners.</summary>
    public IReadOnlyList<MemberStatus> Voters => [.. Members.Where(member => member.Role != "learner")];

    public int VotersUp => Voters.Count(voter => Nodes.TryGetValue(voter.NodeId, out NodeSample? node) && node.IsUp);

    public int Majority => (Voters.Count / 2) + 1;

    public double CallsPerSecond => Rates.Values.Sum(rate => rate.CallsPerSecond);

    public Histogram CallDurations(Func<string, bool> methods) => Histogram.Sum(
        Rates.Values.SelectMany(rate => rate.CallDurations.Where(one => methods(one.Key)).Select(one => one.Value)));
}
