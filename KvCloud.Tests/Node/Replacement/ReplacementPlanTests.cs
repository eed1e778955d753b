using KvCloud.Consensus;
using KvCloud.Node.Configuration;
using KvCloud.Node.Replacement;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replacement;

/// <summary>
/// Under which id a replica goes on, and what it asks for. Members are written as "0 1- 4l": heard voter, voter that is
/// not heard, heard learner.
/// </summary>
public sealed class ReplacementPlanTests
{
    [Theory]
    [InlineData("0 1- 2", PlanStep.Go, 1, 4)]
    [InlineData("0 2 4-", PlanStep.Go, 4, 5)]
    [InlineData("0 1- 2 4l-", PlanStep.Go, 1, 5)]
    [InlineData("0 1- 2 4", PlanStep.Go, 1, 5)]
    [InlineData("0 1 2", PlanStep.StillAnswers, 1, 0)]
    [InlineData("0 2 4", PlanStep.StillAnswers, 4, 0)]
    [InlineData("0 2 3", PlanStep.NoPlace, null, 0)]
    [InlineData("0 2 3 1l-", PlanStep.NoPlace, null, 0)]
    [InlineData("0 2 5-", PlanStep.NoIdLeft, 5, 0)]
    public void ChooseId_of_a_lost_disk_is_the_first_that_was_never_taken(
        string members, object step, int? replaced, int id) =>
        Assert.Equal(
            new IdPlan((PlanStep)step, replaced, id),
            ReplacementPlan.ChooseId(new ReplacementIds(1, 1, [4, 5]), Members(members)));

    [Theory]
    [InlineData(4, "0 1- 2", PlanStep.Go, "Add 4")]
    [InlineData(4, "0 1- 2 4l", PlanStep.Go, "Replace 4 for 1")]
    [InlineData(4, "0 2 4", PlanStep.Done, "")]
    [InlineData(4, "0 1 2", PlanStep.StillAnswers, "")]
    [InlineData(4, "0 2 4l", PlanStep.NoPlace, "")]
    [InlineData(4, "0 2 9", PlanStep.NoPlace, "")]
    [InlineData(5, "0 1- 2 4l-", PlanStep.Go, "Add 5")]
    [InlineData(5, "0 1- 2 4l- 5l", PlanStep.Go, "Remove 4")]
    [InlineData(5, "0 1- 2 5l", PlanStep.Go, "Replace 5 for 1")]
    [InlineData(5, "0 2 4- 5l", PlanStep.Go, "Replace 5 for 4")]
    [InlineData(5, "0 2 4 5l", PlanStep.StillAnswers, "")]
    public void NextChange_of_a_replica_with_another_id_leads_to_its_place(
        int own, string members, object step, string change)
    {
        ChangePlan plan = ReplacementPlan.NextChange(
            new ReplacementIds(1, own, [4, 5]), Members(members), "host:9190", "host:9090");

        Assert.Equal(step, plan.Step);
        Assert.Equal(change, Text(plan.Change));
        Assert.False(plan.Change?.IsForced ?? false);
        if (plan.Change is { Kind: MemberAction.Add } add)
        {
            Assert.Equal(("host:9190", "host:9090"), (add.PeerEndpoint, add.ClientEndpoint));
        }
    }

    internal static SeenMember[] Members(string text) =>
    [
        .. text.Split(' ').Select(member => new SeenMember(
            int.Parse(member.TrimEnd('-', 'l'), System.Globalization.CultureInfo.InvariantCulture),
            IsVoter: !member.Contains('l', StringComparison.Ordinal),
            IsHeard: !member.Contains('-', StringComparison.Ordinal))),
    ];

    internal static string Text(MemberChange? change) => change is null ? ""
        : $"{change.Kind} {change.Node!.Value.Value}"
            + (change.Replaced is NodeId replaced ? $" for {replaced.Value}" : "");
}
