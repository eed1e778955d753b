using KvCloud.Consensus;
using KvCloud.Node.Configuration;
using KvCloud.Node.Replication;

namespace KvCloud.Node.Replacement;

/// <summary>What stands in the way of a replacement, or what it does next.</summary>
internal enum PlanStep
{
    /// <summary>Go on: under the id, or with the change.</summary>
    Go = 0,

    /// <summary>The replica has its place: it is a voter.</summary>
    Done = 1,

    /// <summary>None of the ids of this place is a voter: there is nobody to replace.</summary>
    NoPlace = 2,

    /// <summary>The replica to be replaced answers the leader: it is not lost.</summary>
    StillAnswers = 3,

    /// <summary>All ids were taken.</summary>
    NoIdLeft = 4,
}

/// <param name="Replaced">The member whose place it is; null for none.</param>
/// <param name="Id">The id to go on under.</param>
internal readonly record struct IdPlan(PlanStep Step, int? Replaced = null, int Id = 0);

/// <param name="Replaced">The member whose place it is; null for none.</param>
/// <param name="Change">The change of members to ask for.</param>
internal readonly record struct ChangePlan(PlanStep Step, int? Replaced = null, MemberChange? Change = null);

/// <summary>
/// Decides under which id a replica goes on whose disk was lost, and what it asks of the group. Pure functions: whether
/// a change is safe, the group decides.
/// </summary>
internal static class ReplacementPlan
{
    /// <summary>The id to take, by a replica that a majority refuses.</summary>
    public static IdPlan ChooseId(ReplacementIds ids, IReadOnlyList<SeenMember> members)
    {
        if (FirstVoter(ids.Spare.Prepend(ids.First), members) is not SeenMember replaced)
        {
            return new IdPlan(PlanStep.NoPlace);
        }

        if (replaced.IsHeard)
        {
            return new IdPlan(PlanStep.StillAnswers, replaced.Id);
        }

        // Ids are taken in order, so those before one that is a member were taken too.
        int taken = 0;
        for (int at = 0; at < ids.Spare.Count; at++)
        {
            taken = Find(members, ids.Spare[at]) is null ? taken : at + 1;
        }

        return taken < ids.Spare.Count
            ? new IdPlan(PlanStep.Go, replaced.Id, ids.Spare[taken])
            : new IdPlan(PlanStep.NoIdLeft, replaced.Id);
    }

    /// <summary>The next change to ask for, by a replica that has taken an id.</summary>
    public static ChangePlan NextChange(
        ReplacementIds ids, IReadOnlyList<SeenMember> members, string peerEndpoint, string clientEndpoint)
    {
        SeenMember? self = Find(members, ids.Own);
        if (self is { IsVoter: true })
        {
            return new ChangePlan(PlanStep.Done);
        }

        if (FirstVoter(ids.Former, members) is not SeenMember replaced)
        {
            return new ChangePlan(PlanStep.NoPlace);
        }

        if (replaced.IsHeard)
        {
            return new ChangePlan(PlanStep.StillAnswers, replaced.Id);
        }

        if (self is null)
        {
            return new ChangePlan(PlanStep.Go, replaced.Id, new MemberChange(MemberAction.Add, new NodeId(ids.Own))
            {
                PeerEndpoint = peerEndpoint,
                ClientEndpoint = clientEndpoint,
            });
        }

        // A disk that was lost again before its replica had caught up leaves a learner that never answers any more, and
        // no voter is replaced beside one.
        SeenMember? lost = ids.Former.Select(id => Find(members, id))
            .FirstOrDefault(member => member is { IsVoter: false, IsHeard: false });
        return new ChangePlan(PlanStep.Go, replaced.Id, lost is not null
            ? new MemberChange(MemberAction.Remove, new NodeId(lost.Id))
            : new MemberChange(MemberAction.Replace, new NodeId(ids.Own), new NodeId(replaced.Id)));
    }

    private static SeenMember? Find(IReadOnlyList<SeenMember> members, int id) =>
        members.FirstOrDefault(member => member.Id == id);

    private static SeenMember? FirstVoter(IEnumerable<int> ids, IReadOnlyList<SeenMember> members) =>
        ids.Select(id => Find(members, id)).FirstOrDefault(member => member is { IsVoter: true });
}
