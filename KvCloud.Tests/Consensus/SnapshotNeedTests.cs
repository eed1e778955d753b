using KvCloud.Consensus;

namespace KvCloud.Tests.Consensus;

/// <summary>When a node says that only a snapshot helps it.</summary>
public class SnapshotNeedTests
{
    private static readonly NodeId Node0 = new(0);
    private static readonly NodeId Node1 = new(1);
    private static readonly NodeId Node2 = new(2);
    private static readonly Ballot Old = new(1, Node1);

    [Fact]
    public void SnapshotNeed_logs_of_all_who_answer_begin_too_late_names_them()
    {
        NodeUnderTest node = Behind();
        for (int tick = 0; tick < 100; tick += 10)
        {
            node.At(100 + tick);
            foreach (CatchUpRequest request in node.Take<CatchUpRequest>().Where(request => request.To == Node1))
            {
                Assert.Equal(new Slot(1), request.FromSlot);
                node.Step(new CatchUpReply(Node1, Node0, new Slot(40), new Slot(90), []));
            }
        }

        Assert.NotEmpty(node.SnapshotNeeds);
        Assert.All(node.SnapshotNeeds, need => Assert.Equal(new SnapshotNeed(Node1, new Slot(40)), need));
    }

    [Fact]
    public void SnapshotNeed_several_peers_are_named_in_turn()
    {
        NodeUnderTest node = Behind();
        for (int tick = 0; tick < 200; tick += 10)
        {
            node.At(100 + tick);
            foreach (CatchUpRequest request in node.Take<CatchUpRequest>())
            {
                node.Step(new CatchUpReply(request.To, Node0, new Slot(40), new Slot(90), []));
            }
        }

        Assert.Equal([Node1, Node2], node.SnapshotNeeds.Select(need => need.From).Distinct().Order());
    }

    [Fact]
    public void SnapshotNeed_log_that_begins_highest_is_named_first()
    {
        // A snapshot of the other may end below slot 60, and then this node would need a second one.
        NodeUnderTest node = Behind();
        for (int tick = 0; tick < 200; tick += 10)
        {
            node.At(100 + tick);
            foreach (CatchUpRequest request in node.Take<CatchUpRequest>())
            {
                node.Step(new CatchUpReply(
                    request.To, Node0, new Slot(request.To == Node2 ? 60 : 40), new Slot(90), []));
            }
        }

        Assert.Equal([Node2, Node1], node.SnapshotNeeds.Select(need => need.From).Take(2));
    }

    [Fact]
    public void SnapshotNeed_one_whose_log_reaches_back_is_enough_to_go_without()
    {
        NodeUnderTest node = Behind();
        for (int tick = 0; tick < 200; tick += 10)
        {
            node.At(100 + tick);
            foreach (CatchUpRequest request in node.Take<CatchUpRequest>())
            {
                node.Step(request.To == Node1
                    ? new CatchUpReply(Node1, Node0, new Slot(40), new Slot(90), [])
                    : new CatchUpReply(
                        Node2, Node0, new Slot(1), new Slot(90),
                        [new LogEntry(request.FromSlot, Old, Value.NoOp(Old))]));
            }
        }

        Assert.Empty(node.SnapshotNeeds);
        Assert.True(node.Core.ChosenSlot > Slot.Zero);
    }

    /// <summary>
    /// Simulated seed 80038429: nearly all logs were too short, each was asked again and again, and the replica fell
    /// ever further behind.
    /// </summary>
    [Fact]
    public void Request_log_that_is_known_to_be_too_short_is_not_asked_while_another_gives()
    {
        NodeUnderTest node = Behind();
        int answers = 0;
        List<NodeId> asked = [];
        for (int tick = 0; tick < 200; tick++)
        {
            node.At(100 + tick);
            foreach (CatchUpRequest request in node.Take<CatchUpRequest>())
            {
                asked.Add(request.To);
                LogEntry[] given = [new LogEntry(request.FromSlot, Old, Value.NoOp(Old))];

                // Of node 2 every second answer is lost.
                if (request.To == Node1)
                {
                    node.Step(new CatchUpReply(Node1, Node0, new Slot(40), new Slot(90), []));
                }
                else if (answers++ % 2 == 0)
                {
                    node.Step(new CatchUpReply(Node2, Node0, new Slot(1), new Slot(90), given));
                }
            }
        }

        Assert.Single(asked, Node1);
        Assert.InRange(node.Core.ChosenSlot.Value, 5, 38);
    }

    /// <summary>
    /// Simulated seed 90055613: each peer whose log was too short cost a timeout of a resend, and each answer for which
    /// there was no room another, so that a replica stayed as far behind a steady load as it was.
    /// </summary>
    [Fact]
    public void Request_log_that_is_too_short_is_answered_by_a_request_to_the_next_peer_at_once()
    {
        NodeUnderTest node = Behind();
        node.At(100);
        CatchUpRequest first = Assert.Single(RequestsAt(node, 102));
        Assert.Equal(Node1, first.To);
        node.Step(new CatchUpReply(Node1, Node0, new Slot(40), new Slot(90), []));
        Assert.Equal(Node2, Assert.Single(node.Take<CatchUpRequest>()).To);

        // Once all were asked, the first is asked again, and then no more often than a resend is due.
        for (int i = 0; i < 5; i++)
        {
            node.Step(new CatchUpReply(Node2, Node0, new Slot(40), new Slot(90), []));
            node.Step(new CatchUpReply(Node1, Node0, new Slot(40), new Slot(90), []));
        }

        Assert.Single(node.Take<CatchUpRequest>());
    }

    [Fact]
    public void Request_answer_without_room_is_asked_for_again_once_there_is_room_and_of_the_same_peer()
    {
        NodeUnderTest node = Behind();
        node.At(100);
        CatchUpRequest first = Assert.Single(RequestsAt(node, 102));
        node.Core.CatchUpReplyDropped();
        Assert.Empty(RequestsAt(node, 103));
        node.Core.HoldsCatchUp = false;
        Assert.Equal(first, Assert.Single(RequestsAt(node, 104)));
    }

    [Fact]
    public void SnapshotNeed_silence_alone_is_no_reason()
    {
        NodeUnderTest node = Behind();
        for (int tick = 0; tick < 300; tick += 10)
        {
            node.At(100 + tick);
        }

        Assert.Empty(node.SnapshotNeeds);
    }

    private static List<CatchUpRequest> RequestsAt(NodeUnderTest node, long tick)
    {
        node.At(tick);
        return [.. node.Take<CatchUpRequest>()];
    }

    private static NodeUnderTest Behind()
    {
        var node = new NodeUnderTest(0);
        node.At(60);
        node.Step(new Heartbeat(Node1, Node0, new Ballot(5, Node1), 1, new Slot(90), Slot.Zero));
        return node;
    }
}
