using KvCloud.Consensus;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Replication.Snapshots;

/// <summary>When a replica may make its data anew, and whose it takes.</summary>
public sealed class RebuildRulesTests
{
    private static readonly NodeId[] Others = [new(1), new(2), new(3), new(4)];

    [Theory]
    [InlineData("SSS-", null)]
    [InlineData("SSSD", null)]
    [InlineData("SS--", "2 of the 4 other voters")]
    [InlineData("SSSR", "node-4 is rebuilding its data")]
    [InlineData("DDDD", "no replica with sound data")]
    [InlineData("----", "no replica with sound data")]
    public void FindObstacle_without_an_order_asks_for_a_majority_of_the_others(string states, string? obstacle) =>
        Assert.StartsWith(
            obstacle ?? "none",
            RebuildRules.FindObstacle(Others, Reports(states), Slot.Zero, needsOnlySource: false) ?? "none",
            StringComparison.Ordinal);

    [Theory]
    [InlineData("S---", true)]
    [InlineData("SRRR", true)]
    [InlineData("DDR-", false)]
    public void FindObstacle_with_an_order_asks_for_one_source(string states, bool may) =>
        Assert.Equal(may, RebuildRules.FindObstacle(Others, Reports(states), Slot.Zero, needsOnlySource: true) is null);

    [Fact]
    public void Choose_takes_all_sound_ones_in_turn_and_the_leader_last()
    {
        List<PeerReport> heard = Reports("SSD-S");
        heard[0] = heard[0] with { Role = Role.Leader };

        Assert.Equal(
            [new NodeId(2), new NodeId(5), new NodeId(1), new NodeId(2)],
            Enumerable.Range(0, 4).Select(turn => RebuildRules.Choose(heard, Slot.Zero, turn)));
    }

    [Fact]
    public void Choose_never_takes_one_that_has_applied_less_than_the_log_below_which_the_data_are_needed()
    {
        // Seed 70025552: the only source heard had applied nothing, and was asked for ever, while the other had all.
        List<PeerReport> heard = Reports("SS");
        heard[1] = heard[1] with { AppliedSlot = new Slot(30) };

        Assert.Equal(
            [new NodeId(2), new NodeId(2)],
            Enumerable.Range(0, 2).Select(turn => RebuildRules.Choose(heard, new Slot(30), turn)));
        Assert.Null(RebuildRules.FindObstacle(Others, heard, new Slot(30), needsOnlySource: true));
        Assert.StartsWith(
            "no replica with sound data up to slot 31",
            RebuildRules.FindObstacle(Others, heard, new Slot(31), needsOnlySource: true),
            StringComparison.Ordinal);
    }

    /// <summary>S: sound, D: damaged, R: rebuilding, -: not heard; of nodes from 1 on.</summary>
    private static List<PeerReport> Reports(string states) =>
    [
        .. states.Select((state, index) => (state, index)).Where(item => item.state != '-').Select(item =>
            new PeerReport(
                new NodeId(item.index + 1), Role.Follower, Ballot.Zero, Slot.Zero, Slot.Zero, 0, 0, Slot.Zero, 0)
            {
                Data = item.state switch
                {
                    'D' => DataState.Damaged,
                    'R' => DataState.Rebuilding,
                    _ => DataState.Sound,
                },
            }),
    ];
}
