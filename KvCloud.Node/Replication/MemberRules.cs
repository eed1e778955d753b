using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// The rules that protect operators from harmful changes of members. They go beyond what safety demands.
/// </summary>
internal static class MemberRules
{
    /// <summary>A change to fewer voters needs force: the next failure would stop such a group.</summary>
    public const int MinVoters = 3;

    /// <summary>Computes the members after a change.</summary>
    /// <param name="data">The node's data after the change; null to keep them.</param>
    /// <param name="isCaughtUp">Whether the learner has been close behind for a while.</param>
    /// <param name="isInTouch">Whether the leader hears the member; true for the leader itself.</param>
    /// <param name="target">The members after the change; null if it is done already or refused.</param>
    /// <returns>The reason for a refusal; null if the change is allowed or done.</returns>
    public static string? Plan(
        GroupMembers now,
        MemberChange change,
        ReadOnlyMemory<byte>? data,
        Func<NodeId, bool> isCaughtUp,
        Func<NodeId, bool> isInTouch,
        out IReadOnlyList<GroupMember>? target)
    {
        target = null;
        if (change.Node is not NodeId node)
        {
            return "the change names no node";
        }

        GroupMember? member = now.Find(node);
        string? refusal = FindRefusal(now, change, node, member, isCaughtUp);
        if (refusal is not null || IsDone(now, change, member, data))
        {
            return refusal;
        }

        GroupMember[] after = [.. MembersAfter(now, change, node, member, data)];
        int before = now.Members.Count(item => item.IsVoter);
        int voters = after.Count(item => item.IsVoter);
        if (voters < before && voters < MinVoters && !change.IsForced)
        {
            return $"{voters} of {before} voters would remain: with fewer than {MinVoters} the next failure stops the"
                + " group; nothing was changed. Force the change if that is intended";
        }

        GroupMember? silent = Array.Find(after, item => item.IsVoter && !isInTouch(item.Id));
        bool changesVoters = voters < before
            || after.Any(item => item.IsVoter != (now.Find(item.Id)?.IsVoter ?? false));
        if (silent is not null && changesVoters && !change.IsForced)
        {
            // A replica takes no part before it has met all initial voters, and could never meet a removed one.
            return $"voter {silent.Id} does not answer; nothing was changed. Bring it back first, or force the change"
                + " if it has taken part in this group before";
        }

        GroupMember? silentLearner = Array.Find(
            after, item => !item.IsVoter && item.Id != node && !isInTouch(item.Id));
        if (silentLearner is not null && TakesAway(change.Kind) && !change.IsForced)
        {
            // It may be an initial voter that was demoted before it had met all the others.
            return $"learner {silentLearner.Id} does not answer; nothing was changed. Bring it back or remove it first,"
                + " or force the change if it has taken part in this group before";
        }

        int inTouch = after.Count(item => item.IsVoter && isInTouch(item.Id));
        if (inTouch < (voters / 2) + 1)
        {
            return $"of the {voters} voters after the change only {inTouch} answer the leader: the group would lose its"
                + " quorum; nothing was changed";
        }

        if (now.FindFlaw(after) is string flaw)
        {
            return flaw;
        }

        target = after;
        return null;
    }

    private static string? FindRefusal(
        GroupMembers now, MemberChange change, NodeId node, GroupMember? member, Func<NodeId, bool> isCaughtUp) =>
        change.Kind switch
        {
            MemberAction.Add when now.Removed.Contains(node) =>
                $"{node} was removed: its id never returns, choose another",
            MemberAction.Add => null,
            MemberAction.Remove when member is null && now.Removed.Contains(node) => null,
            _ when member is null => $"{node} is not a member of the group",
            MemberAction.Replace when change.Replaced is not NodeId replaced || replaced == node =>
                "the change does not name the member to replace",
            MemberAction.Replace when now.Find(change.Replaced!.Value) is null
                && !now.Removed.Contains(change.Replaced.Value) => $"{change.Replaced} is not a member of the group",
            MemberAction.Promote or MemberAction.Replace when !member.IsVoter && !isCaughtUp(node) =>
                $"{node} has not caught up yet, or does not answer: try again once it has",
            _ => null,
        };

    private static bool TakesAway(MemberAction kind) =>
        kind is MemberAction.Remove or MemberAction.Replace or MemberAction.Demote;

    private static bool IsDone(
        GroupMembers now, MemberChange change, GroupMember? member, ReadOnlyMemory<byte>? data)
    {
        return change.Kind switch
        {
            MemberAction.Add => member is not null && IsSame(member, data),
            MemberAction.Promote => member!.IsVoter,
            MemberAction.Demote => !member!.IsVoter,
            MemberAction.Remove => member is null,
            MemberAction.Replace => member!.IsVoter && now.Find(change.Replaced!.Value) is null,
            _ => IsSame(member!, data),
        };
    }

    private static bool IsSame(GroupMember member, ReadOnlyMemory<byte>? data) =>
        data is null || data.Value.Span.SequenceEqual(member.Data.Span);

    private static IEnumerable<GroupMember> MembersAfter(
        GroupMembers now, MemberChange change, NodeId node, GroupMember? member, ReadOnlyMemory<byte>? data)
    {
        bool leaves = change.Kind == MemberAction.Remove;
        MemberRoles roles = change.Kind switch
        {
            MemberAction.Promote or MemberAction.Replace => MemberRoles.Voter,
            MemberAction.Demote => MemberRoles.Learner,
            _ => member?.Roles ?? MemberRoles.Learner,
        };
        foreach (GroupMember other in now.Members)
        {
            if (other.Id != node && other.Id != change.Replaced)
            {
                yield return other;
            }
        }

        if (!leaves)
        {
            yield return new GroupMember(node, roles, data ?? member?.Data ?? default);
        }
    }
}
