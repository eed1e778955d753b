using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Replication;

public class MemberRulesTests
{
    private static readonly GroupMembers Three = GroupMembers.Initial([new NodeId(0), new NodeId(1), new NodeId(2)]);

    [Theory]
    [InlineData(MemberAction.Promote, 3, "is not a member")]
    [InlineData(MemberAction.Remove, 1, "2 of 3 voters would remain")]
    [InlineData(MemberAction.Demote, 1, "2 of 3 voters would remain")]
    public void Plan_of_what_would_harm_the_group_is_refused(object action, int node, string reason) =>
        Assert.Contains(reason, Plan(Three, new MemberChange((MemberAction)action, new NodeId(node)), out _),
            StringComparison.Ordinal);

    [Fact]
    public void Plan_of_a_learner_that_is_behind_does_not_promote_it()
    {
        GroupMembers four = After(Three, new MemberChange(MemberAction.Add, new NodeId(3)));
        var promote = new MemberChange(MemberAction.Promote, new NodeId(3));

        Assert.Contains(
            "has not caught up", Plan(four, promote, out _, isCaughtUp: false), StringComparison.Ordinal);
        Assert.Null(Plan(four, promote, out IReadOnlyList<GroupMember>? target));
        Assert.Equal(4, target!.Count(member => member.IsVoter));
    }

    [Fact]
    public void Plan_while_a_voter_is_silent_takes_force_and_never_ends_in_a_group_that_stops()
    {
        var replace = new MemberChange(MemberAction.Replace, new NodeId(3), new NodeId(0));
        GroupMembers four = After(Three, new MemberChange(MemberAction.Add, new NodeId(3)));

        // Node 0 leaves and may be gone; node 2 stays and must answer.
        Assert.Null(Plan(four, replace, out _, silent: 0));
        Assert.Contains("does not answer", Plan(four, replace, out _, silent: 2), StringComparison.Ordinal);
        Assert.Null(Plan(four, replace with { IsForced = true }, out _, silent: 2));
        Assert.Contains(
            "the group would lose its quorum",
            Plan(Three, new MemberChange(MemberAction.Remove, new NodeId(0), IsForced: true), out _, silent: 2),
            StringComparison.Ordinal);
    }

    /// <summary>
    /// A voter that never met all the others was demoted, and waited for ever for one that was removed then
    /// (simulator).
    /// </summary>
    [Fact]
    public void Plan_while_a_learner_is_silent_takes_no_member_away()
    {
        GroupMembers four = After(Three, new MemberChange(MemberAction.Add, new NodeId(3)));
        GroupMembers five = After(four, new MemberChange(MemberAction.Add, new NodeId(4)));
        var replace = new MemberChange(MemberAction.Replace, new NodeId(3), new NodeId(0));

        Assert.Contains("learner node-4 does not", Plan(five, replace, out _, silent: 4), StringComparison.Ordinal);
        Assert.Null(Plan(five, replace with { IsForced = true }, out _, silent: 4));
        Assert.Null(Plan(five, new MemberChange(MemberAction.Remove, new NodeId(4)), out _, silent: 4));
        Assert.Null(Plan(five, new MemberChange(MemberAction.Promote, new NodeId(3)), out _, silent: 4));
    }

    [Fact]
    public void Plan_of_what_is_done_already_leaves_nothing_to_do()
    {
        var promote = new MemberChange(MemberAction.Promote, new NodeId(1));
        Assert.Null(Plan(Three, promote, out IReadOnlyList<GroupMember>? target));
        Assert.Null(target);

        GroupMembers four = After(Three, new MemberChange(MemberAction.Add, new NodeId(3)));
        GroupMembers gone = After(four, new MemberChange(MemberAction.Remove, new NodeId(3)));
        Assert.Null(Plan(gone, new MemberChange(MemberAction.Remove, new NodeId(3)), out target));
        Assert.Null(target);
        Assert.Contains(
            "never returns",
            Plan(gone, new MemberChange(MemberAction.Add, new NodeId(3)), out _),
            StringComparison.Ordinal);
    }

    [Fact]
    public void MemberData_is_read_as_it_was_written_and_otherwise_unknown()
    {
        var data = new MemberData(-7, "host:9190", "host:9090", "");

        Assert.Equal(data, MemberData.Decode(data.Encode()));
        Assert.Equal(MemberData.Unknown, MemberData.Decode(data.Encode().AsSpan(0, 12)));
        Assert.Equal(MemberData.Unknown, MemberData.Decode([9, 9]));
    }

    private static string? Plan(
        GroupMembers now,
        MemberChange change,
        out IReadOnlyList<GroupMember>? target,
        bool isCaughtUp = true,
        int silent = -1) =>
        MemberRules.Plan(now, change, null, _ => isCaughtUp, node => node.Value != silent, out target);

    private static GroupMembers After(GroupMembers now, MemberChange change)
    {
        Assert.Null(Plan(now, change, out IReadOnlyList<GroupMember>? target));
        return GroupMembers.Decode(now.Slot.Next, now.StepTo(target!).Encode());
    }
}
