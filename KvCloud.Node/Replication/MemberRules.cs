using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Which changes of members a leader proposes: what operators must not do by mistake is refused here.
/// </summary>
internal static class MemberRules
{
    /// <summary>Fewer voters than this stay only by force: the next failure stops such a group.</summary>
    public const int MinVoters = 3;

    /// <summary>Who is to be a member afterwards.</summary>
    /// <param name="isCaughtUp">Whether the learner has been close behind for a while.</param>
    /// <param name="isInTouch">Whether the leader hears the member; it hears itself.</param>
    /// <param name="target">Null where nothing is left to be done, or it is refused.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public static string? Plan(
        GroupMembers now,
        MemberChange change,
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
        if (refusal is not null || IsDone(now, change, member))
        {
            return refusal;
        }

        GroupMember[] after = [.. MembersAfter(now, change, node, member)];
        int before = now.Members.Count(item => item.IsVoter);
        int voters = after.Count(item => item.IsVoter);
        if (voters < before && voters < MinVoters && !change.IsForced)
        {
            return $"{voters} of {before} voters would be left: with fewer than {MinVoters} the next failure stops the"
                + " group; force it if that is meant";
        }

        GroupMember? silent = Array.Find(after, item => item.IsVoter && !isInTouch(item.Id));
        bool changesVoters = voters < before
            || after.Any(item => item.IsVoter != (now.Find(item.Id)?.IsVoter ?? false));
        if (silent is not null && changesVoters && !change.IsForced)
        {
            // One that has never met all the others takes no part before it has, and could never meet who is removed.
            return $"{silent.Id} votes and does not answer: bring it back before, or force the change if it has taken"
                + " part in this group before";
        }

        int inTouch = after.Count(item => item.IsVoter && isInTouch(item.Id));
        if (inTouch < (voters / 2) + 1)
        {
            return $"of the {voters} voters of afterwards only {inTouch} answer the leader: the group would stop";
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
            MemberChangeKind.Add when now.Removed.Contains(node) =>
                $"{node} was removed once: its id never returns, choose another",
            MemberChangeKind.Add => null,
            MemberChangeKind.Remove when member is null && now.Removed.Contains(node) => null,
            _ when member is null => $"{node} is no member",
            MemberChangeKind.Replace when change.Replaced is not NodeId replaced || replaced == node =>
                "the change does not name whose place the node takes",
            MemberChangeKind.Replace when now.Find(change.Replaced!.Value) is null
                && !now.Removed.Contains(change.Replaced.Value) => $"{change.Replaced} is no member",
            MemberChangeKind.Promote or MemberChangeKind.Replace when !member.IsVoter && !isCaughtUp(node) =>
                $"{node} has not caught up yet, or does not answer",
            _ => null,
        };

    private static bool IsDone(GroupMembers now, MemberChange change, GroupMember? member) => change.Kind switch
    {
        MemberChangeKind.Add => member is not null && IsSame(member, change.Data),
        MemberChangeKind.Promote => member!.IsVoter,
        MemberChangeKind.Demote => !member!.IsVoter,
        MemberChangeKind.Remove => member is null,
        MemberChangeKind.Replace => member!.IsVoter && now.Find(change.Replaced!.Value) is null,
        _ => IsSame(member!, change.Data),
    };

    private static bool IsSame(GroupMember member, ReadOnlyMemory<byte>? data) =>
        data is null || data.Value.Span.SequenceEqual(member.Data.Span);

    private static IEnumerable<GroupMember> MembersAfter(
        GroupMembers now, MemberChange change, NodeId node, GroupMember? member)
    {
        bool leaves = change.Kind == MemberChangeKind.Remove;
        MemberRoles roles = change.Kind switch
        {
            MemberChangeKind.Promote or MemberChangeKind.Replace => MemberRoles.Voter,
            MemberChangeKind.Demote => MemberRoles.Learner,
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
            yield return new GroupMember(node, roles, change.Data ?? member?.Data ?? default);
        }
    }
}
