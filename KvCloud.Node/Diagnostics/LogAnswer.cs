using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Replication;

namespace KvCloud.Node.Diagnostics;

/// <summary>The answer at /log: slots of this replica's log.</summary>
/// <param name="Ballot">The highest ballot of a leader that this replica has followed.</param>
/// <param name="Promised">The highest ballot that it has promised; it accepts nothing below.</param>
/// <param name="FirstSlot">The lowest slot that its log still has.</param>
/// <param name="LastSlot">The highest slot that it has accepted.</param>
/// <param name="Next">What to ask for next: /log?from=Next.</param>
internal sealed record LogAnswer(
    int NodeId,
    string Role,
    int? LeaderId,
    BallotAnswer Ballot,
    BallotAnswer Promised,
    long FirstSlot,
    long LastSlot,
    long ChosenSlot,
    long AppliedSlot,
    long Next,
    IReadOnlyList<SlotAnswer> Slots)
{
    public static LogAnswer Of(ReplicaStatus status, Slot first, Slot last, IReadOnlyList<LogEntry> entries) => new(
        status.Self.Value,
        HealthNames.Of(status.Role),
        status.Leader?.Value,
        BallotAnswer.Of(status.Ballot),
        BallotAnswer.Of(status.Promised),
        first.Value,
        last.Value,
        status.ChosenSlot.Value,
        status.AppliedSlot.Value,
        entries.Count == 0 ? last.Value + 1 : entries[^1].Slot.Value + 1,
        [.. entries.Select(entry => SlotAnswer.Of(entry, status))]);
}

/// <summary>A ballot: rounds are compared first, then the ids of the nodes that own them.</summary>
internal sealed record BallotAnswer(long Round, int NodeId)
{
    public static BallotAnswer Of(Ballot ballot) => new(ballot.Round, ballot.Node.Value);
}
