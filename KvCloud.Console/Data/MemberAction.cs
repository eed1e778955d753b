using KvCloud.Client;
using KvCloud.Monitoring;
using KvCloud.Protocol;

namespace KvCloud.WebConsole.Data;

/// <summary>What can be done with a member, and what comes of it.</summary>
/// <param name="Name">Of the button.</param>
/// <param name="Consequence">What whoever confirms it should know.</param>
/// <param name="IsForGood">Whether it cannot be taken back.</param>
public sealed record MemberAction(string Name, MemberChangeKind Kind, string Consequence, bool IsForGood = false)
{
    private static readonly MemberAction Lead = new(
        "Lead",
        MemberChangeKind.TRANSFER_LEADERSHIP,
        "This member becomes the leader. Calls wait for a moment meanwhile.");

    private static readonly MemberAction Promote = new(
        "Promote",
        MemberChangeKind.PROMOTE,
        "This learner gets a vote: it counts for majorities from then on. It must have caught up.");

    private static readonly MemberAction Demote = new(
        "Demote", MemberChangeKind.DEMOTE, "This voter becomes a learner: it counts for majorities no more.");

    private static readonly MemberAction Remove = new(
        "Remove",
        MemberChangeKind.REMOVE,
        "This member leaves the group for good, and its number never returns. Its process is to be stopped after.",
        IsForGood: true);

    private static readonly MemberAction Rebuild = new(
        "Rebuild",
        MemberChangeKind.REBUILD,
        "This member throws its data away and fetches them from another.",
        IsForGood: true);

    /// <summary>What makes sense for this member; the cluster refuses what it must.</summary>
    public static IEnumerable<MemberAction> Of(MemberStatus member) => member switch
    {
        { Role: "learner" } => [Promote, Rebuild, Remove],
        { IsLeader: true } => [Demote, Remove],
        _ => [Lead, Demote, Rebuild, Remove],
    };

    public KvMemberChange ChangeOf(MemberStatus member) => new()
    {
        Kind = Kind,
        NodeId = member.NodeId,
        Endpoint = Kind == MemberChangeKind.REBUILD ? member.ClientEndpoint : null,
    };
}
