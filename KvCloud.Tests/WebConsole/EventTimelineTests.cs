using KvCloud.Monitoring;
using KvCloud.WebConsole.Monitoring;

namespace KvCloud.Tests.WebConsole;

public sealed class EventTimelineTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly EventTimeline _timeline = new();

    [Fact]
    public void Newest_of_nodes_and_console_is_in_the_order_of_time()
    {
        _timeline.Add(new ClusterEvent(Noon.AddSeconds(2), EventSeverity.Error, "node-1 does not answer", ["console"]));
        Add(0, Event(1, 1, "started", "warning", "this replica has started"), Leads(2, 3, leader: 2));
        Add(2, Event(9, 0, "started", "warning", "this replica has started"));

        Assert.Equal(
            [
                "node-2 leads, term 7", "node-1 does not answer", "node-0: this replica has started",
                "node-2: this replica has started",
            ],
            _timeline.Newest.Select(one => one.Text));
        Assert.Equal((2, 9, null), (_timeline.NextOf(0), _timeline.NextOf(2), _timeline.NextOf(1)));
    }

    [Fact]
    public void Newest_of_an_election_that_all_nodes_saw_is_one_entry_with_all_their_names()
    {
        Add(1, Leads(1, 2, leader: 2));
        Add(0, Leads(1, 1, leader: 2));
        Add(2, Leads(1, 3, leader: 2));

        ClusterEvent one = Assert.Single(_timeline.Newest);
        Assert.Equal(Noon.AddSeconds(1), one.At);
        Assert.Equal(["node-0", "node-1", "node-2"], one.SeenBy);
    }

    [Fact]
    public void Newest_of_what_a_node_tells_twice_or_another_much_later_has_each()
    {
        Add(0, Degraded(1, 1), Degraded(2, 3));
        Add(1, Degraded(1, 60));

        Assert.Equal(
            ["node-1", "node-0", "node-0"], _timeline.Newest.Select(one => string.Join(",", one.SeenBy)));
    }

    [Fact]
    public void Newest_after_a_later_answer_has_what_came_since()
    {
        Add(0, Degraded(1, 1));
        Assert.Single(_timeline.Newest);
        Add(0, Event(2, 2, "of_a_newer_release", "fatal", "something new"));

        Assert.Equal(
            (EventSeverity.Error, "node-0: something new"), (_timeline.Newest[0].Severity, _timeline.Newest[0].Text));
    }

    [Fact]
    public void Add_of_more_events_than_are_kept_drops_the_oldest_of_that_node()
    {
        Add(1, Degraded(1, 0));
        Add(0, [.. Enumerable.Range(1, EventTimeline.MaxEventsOfSource + 5).Select(at => Degraded(at, 20 * at))]);

        Assert.Equal(EventTimeline.MaxEventsOfSource + 1, _timeline.Newest.Count);
        Assert.Equal(["node-1"], _timeline.Newest[^1].SeenBy);
        Assert.Equal(Noon.AddSeconds(20 * 6), _timeline.Newest[^2].At);
    }

    [Fact]
    public void Parse_of_a_nodes_answer_has_all_that_is_shown()
    {
        NodeEvents answer = NodeReader.Parse<NodeEvents>(
            """
            {"node_id":1,"next":7,"dropped":0,"events":[{"sequence":7,"time":"2026-01-01T12:00:00+00:00",
             "type":"leader_elected","severity":"warning","message":"node-2 leads, term 7","node_id":2,"term":7}]}
            """);

        Assert.Equal(Leads(7, 0, leader: 2), Assert.Single(answer.Events));
    }

    private static NodeEvent Leads(long sequence, int second, int leader) =>
        Event(sequence, second, "leader_elected", "warning", $"node-{leader} leads, term 7") with
        {
            NodeId = leader,
            Term = 7,
        };

    private static NodeEvent Degraded(long sequence, int second) =>
        Event(sequence, second, "health_changed", "warning", "node-2 is degraded: it lags") with { NodeId = 2 };

    private static NodeEvent Event(long sequence, int second, string type, string severity, string message) => new()
    {
        Sequence = sequence,
        Time = Noon.AddSeconds(second),
        Type = type,
        Severity = severity,
        Message = message,
    };

    private void Add(int node, params NodeEvent[] events) => _timeline.Add(
        node, new NodeEvents { NodeId = node, Next = events[^1].Sequence, Events = events });
}
