using KvCloud.Consensus;

namespace KvCloud.Tests.Consensus;

/// <summary>
/// Simulated seed 70032732: node 4 alone knows that slots 1 to 3 are chosen, has trimmed its log and lost its data. The
/// others have accepted them, and wait for somebody to give them.
/// </summary>
public sealed class StuckTermTests
{
    private static readonly NodeId Node0 = new(0);
    private static readonly NodeId Node4 = new(4);
    private static readonly Ballot Old = new(1, Node4);

    private static readonly LogEntry[] Accepted =
    [
        .. Enumerable.Range(1, 3)
            .Select(slot => new Value(Old, ValueKind.Commands, new[] { (byte)slot }))
            .Select((value, index) => new LogEntry(new Slot(index + 1), Old, value)),
    ];

    private readonly NodeUnderTest _node = new(0, voters: 5, new RestoredState(Old, Slot.Zero, Accepted));
    private int _tick;

    [Fact]
    public void Tick_slots_that_nobody_gives_are_adopted_from_a_quorum_that_still_holds_them()
    {
        GetsStuck();

        // The same two promises make no quorum now, because node 4 has forgotten what it accepted.
        StandsAgain();
        Promises(4, 1);
        Assert.Equal(Role.Candidate, _node.Core.Role);
        Promises(2);
        Assert.Equal(Role.Leader, _node.Core.Role);

        AcceptEverything(from: [1, 2]);
        Assert.True(_node.Core.ChosenSlot > new Slot(3), $"chosen up to {_node.Core.ChosenSlot}");
        Assert.Equal(
            Accepted.Select(entry => entry.Value.Payload.ToArray()),
            _node.Chosen.Take(3).Select(entry => entry.Value.Payload.ToArray()));
    }

    [Fact]
    public void Tick_no_such_quorum_the_ballot_after_it_counts_everybody()
    {
        GetsStuck();
        StandsAgain();
        Promises(4, 1);
        Assert.Equal(Role.Candidate, _node.Core.Role);

        StandsAgain();
        Promises(4, 1);
        Assert.Equal(Role.Leader, _node.Core.Role);
    }

    [Fact]
    public void Tick_what_lacked_was_learned_meanwhile_the_next_ballot_counts_everybody()
    {
        GetsStuck();
        _node.Step(new CatchUpReply(Node4, Node0, new Slot(1), new Slot(3), Accepted[..2]));
        Assert.Equal(new Slot(2), _node.Core.ChosenSlot);

        StandsAgain();
        Promises(4, 1);
        Assert.Equal(Role.Leader, _node.Core.Role);
    }

    /// <summary>Leads by a promise of node 4, gets the slots from nobody, and steps down.</summary>
    private void GetsStuck()
    {
        StandsAgain();
        Promises(4, 1);
        Assert.Equal(Role.Leader, _node.Core.Role);
        Assert.DoesNotContain(
            _node.Take<Accept>().SelectMany(accept => accept.Entries), entry => entry.Slot.Value <= 3);
        for (int i = 0; i < 100 && _node.Core.Role == Role.Leader; i++)
        {
            _node.At(++_tick);
            foreach (Heartbeat heartbeat in _node.Take<Heartbeat>().Where(heartbeat => heartbeat.To.Value is 1 or 4))
            {
                _node.Step(new HeartbeatReply(
                    heartbeat.To, Node0, heartbeat.Ballot, heartbeat.Round, Slot.Zero, Slot.Zero));
            }
        }

        Assert.Equal(Role.Follower, _node.Core.Role);
    }

    private void StandsAgain()
    {
        Ballot before = _node.Core.Promised;
        for (int i = 0; i < 1_000 && _node.Core.Promised == before; i++)
        {
            _node.At(++_tick);
            foreach (PreVote vote in _node.Take<PreVote>())
            {
                _node.Step(new PreVoteReply(vote.To, Node0, vote.Ballot, Granted: true, Old));
            }
        }

        Assert.Equal(Role.Candidate, _node.Core.Role);
    }

    private void Promises(params int[] nodes)
    {
        foreach (int node in nodes)
        {
            bool knows = node == Node4.Value;
            _node.Step(new Promise(
                new NodeId(node), Node0, _node.Core.Promised, knows ? new Slot(3) : Slot.Zero, knows ? [] : Accepted));
        }
    }

    private void AcceptEverything(int[] from)
    {
        foreach (Accept accept in _node.Take<Accept>().Where(accept => from.Contains(accept.To.Value)))
        {
            _node.Step(new Accepted(
                accept.To, Node0, accept.Ballot, [.. accept.Entries.Select(entry => entry.Slot)]));
        }
    }
}
