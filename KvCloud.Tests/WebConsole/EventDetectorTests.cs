using KvCloud.Monitoring;
using KvCloud.WebConsole.Monitoring;

namespace KvCloud.Tests.WebConsole;

public sealed class EventDetectorTests
{
    [Fact]
    public void Between_the_same_says_nothing() => Assert.Empty(Texts(Of(0), Of(0)));

    [Fact]
    public void Between_nothing_and_the_first_sample_says_nothing() =>
        Assert.Empty(Texts(ClusterSample.Empty, Of(0)));

    [Fact]
    public void Between_leader_that_died_and_its_successor_tells_both()
    {
        ClusterSample down = Of(leader: 0, down: 0);
        Assert.Equal(
            ["node-0 does not answer: ConnectionRefused", "no node leads; node-0 led before"], Texts(Of(0), down));
        Assert.Equal(["node-1 leads, term 7"], Texts(down, Of(leader: 1, down: 0, term: 7)));
        Assert.Equal(["node-0 answers again"], Texts(Of(leader: 1, down: 0, term: 7), Of(1, term: 7)));
    }

    [Fact]
    public void Between_samples_of_nodes_that_tell_their_events_says_alone_who_does_not_answer() =>
        Assert.Equal(
            ["node-0 does not answer: ConnectionRefused"],
            EventDetector.Between(Of(0, degraded: 1), Of(leader: 1, down: 0, term: 7), nodesTell: true)
                .Select(one => one.Text));

    [Fact]
    public void Between_old_leader_that_still_believes_and_a_newer_one_believes_the_newer_round()
    {
        ClusterSample sample = Of(0) with
        {
            Nodes = new Dictionary<int, NodeSample>
            {
                [0] = Up(0, leader: 0, term: 1),
                [1] = Up(1, leader: 1, term: 2),
                [2] = Up(2, leader: 1, term: 2),
            },
        };
        Assert.Equal(1, sample.LeaderId);
    }

    [Fact]
    public void Between_process_of_before_and_a_new_one_says_it_was_started_anew() =>
        Assert.Equal(["node-2 was started anew"], Texts(Of(0, uptime: 100), Of(0, uptime: 100, youngest: 2)));

    [Fact]
    public void Between_healthy_and_degraded_gives_the_reason() =>
        Assert.Equal(["node-1 is degraded: it lags"], Texts(Of(0), Of(0, degraded: 1)));

    [Fact]
    public void Between_other_members_names_who_came_and_who_went() =>
        Assert.Equal(
            ["node-3 is a member now", "node-2 is no longer a member"],
            Texts(Of(0), Of(0, members: [0, 1, 3])));

    [Fact]
    public void Between_members_and_no_answer_at_all_says_nothing_of_members() =>
        Assert.DoesNotContain(
            Texts(Of(0), ClusterSample.Empty with { Nodes = new Dictionary<int, NodeSample> { [0] = Down() } }),
            text => text.Contains("member", StringComparison.Ordinal));

    private static string[] Texts(ClusterSample earlier, ClusterSample later) =>
        [.. EventDetector.Between(earlier, later, nodesTell: false).Select(one => one.Text)];

    private static ClusterSample Of(
        int leader,
        int? down = null,
        long term = 1,
        long uptime = 10,
        int? youngest = null,
        int? degraded = null,
        int[]? members = null) => new(
        DateTimeOffset.UnixEpoch,
        new SortedDictionary<int, NodeSample>(Enumerable.Range(0, 3).ToDictionary(
            id => id,
            id => id == down
                ? Down()
                : Up(id, leader, term, id == youngest ? 1 : uptime, id == degraded ? "it lags" : null, members))),
        new Dictionary<int, NodeRates>());

    private static NodeSample Down() => new()
    {
        At = DateTimeOffset.UnixEpoch,
        AtMs = 0,
        Error = "ConnectionRefused",
    };

    private static NodeSample Up(
        int id, int leader, long term, long uptime = 10, string? degraded = null, int[]? members = null) => new()
        {
            At = DateTimeOffset.UnixEpoch,
            AtMs = 0,
            Status = new NodeStatus
            {
                ClusterId = "test",
                AnsweredBy = id,
                LeaderId = leader,
                Term = term,
                Nodes =
                [
                    .. (members ?? [0, 1, 2]).Select(member => new MemberStatus
                    {
                        NodeId = member,
                        Health = member == id && degraded is not null ? "degraded" : "healthy",
                        HealthReason = member == id ? degraded : null,
                        UptimeSeconds = uptime,
                    }),
                ],
            },
        };
}
