using KvCloud.Client;

namespace KvCloud.Cli.Cluster;

/// <summary>The cluster as its members describe themselves at one moment.</summary>
/// <param name="Heard">What the first node to answer had heard of all.</param>
/// <param name="Members">By ascending id.</param>
internal sealed record ClusterReport(KvClusterHealth Heard, IReadOnlyList<MemberReport> Members)
{
    /// <summary>
    /// Who says that it leads, at the highest ballot; null if nobody does who answers. A leader of before may not know
    /// yet that it leads no more.
    /// </summary>
    public MemberReport? Leader { get; } = Members
        .Where(member => member.Own is { IsLeader: true })
        .MaxBy(member => member.Answer!.Term);

    public long Term { get; } = Members.Max(member => member.Answer?.Term) ?? Heard.Term;

    /// <summary>The last slot that any member knows to be chosen.</summary>
    public long NewestSlot { get; } = Members.Max(member => member.Own?.ChosenSlot ?? member.Own?.AppliedSlot) ?? 0;

    public int? FeatureLevel { get; } = Members.Max(member => member.Answer?.FeatureLevel) ?? Heard.FeatureLevel;

    public IReadOnlyList<MemberReport> Voters { get; } = [.. Members.Where(member => !member.IsLearner)];

    /// <summary>How many voters must answer for the cluster to take writes.</summary>
    public int Majority => (Voters.Count / 2) + 1;

    public int Answering => Voters.Count(member => member.Answers);

    public int Healthy => Members.Count(member => member.Health == "healthy");

    /// <summary>As a node judges it (docs/observability.md), by what all of them say now.</summary>
    public string Status => Leader is null || Answering < Majority
        || Members.Any(member => member.Answer is { Status: "unhealthy", Leader: not null }) ? "unhealthy"
        : Voters.All(member => member.Health == "healthy") ? "healthy"
        : "degraded";

    /// <summary>Slots that are chosen and that the member has not applied; null where it does not say.</summary>
    public long? LagOf(MemberReport member) => member.Own?.AppliedSlot is { } applied
        ? Math.Max(0, NewestSlot - applied)
        : null;
}
