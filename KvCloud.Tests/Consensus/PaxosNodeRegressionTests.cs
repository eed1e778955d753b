using KvCloud.Consensus;

namespace KvCloud.Tests.Consensus;

/// <summary>Faults that reading or the simulator found in the core, each told as short as it can be.</summary>
public class PaxosNodeRegressionTests
{
    private static readonly NodeId Node0 = new(0);
    private static readonly NodeId Node1 = new(1);
    private static readonly NodeId Node2 = new(2);

    [Fact]
    public void OnCatchUpReply_chosen_otherwise_than_proposed_ends_the_term()
    {
        // Node 0 leads without having all that was chosen before, and proposes "a" in slot 12.
        var leader = new NodeUnderTest(0, voters: 5);
        leader.Lead(60, new() { [1] = (new Slot(10), []), [2] = (Slot.Zero, []) });
        leader.Do(core => core.Propose("a"u8.ToArray()));
        leader.Take<Accept>();

        // Meanwhile a higher ballot chose "b" there; its follower answers the old request to catch up.
        var higher = new Ballot(9, new NodeId(4));
        Value[] chosen = [.. Enumerable.Range(1, 11).Select(_ => Value.NoOp(new Ballot(1, Node1)))];
        var entries = new List<LogEntry>();
        for (int i = 0; i < chosen.Length; i++)
        {
            entries.Add(new LogEntry(new Slot(i + 1), higher, chosen[i]));
        }

        entries.Add(new LogEntry(new Slot(12), higher, new Value(higher, ValueKind.Commands, "b"u8.ToArray())));
        leader.Step(new CatchUpReply(Node1, Node0, new Slot(1), new Slot(12), entries));
        leader.At(70);

        Assert.Equal(new Slot(12), leader.Core.ChosenSlot);
        Assert.NotEqual(Role.Leader, leader.Core.Role);

        // A heartbeat of the old ballot with chosen = 12 would make followers that accepted "a" take it for chosen.
        Assert.DoesNotContain(leader.Take<Heartbeat>(), heartbeat => heartbeat.ChosenSlot >= new Slot(11));
    }

    [Fact]
    public void OnCatchUpReply_chosen_as_proposed_goes_on_leading()
    {
        var leader = new NodeUnderTest(0, voters: 5);
        var old = new Ballot(1, Node1);
        var value = new Value(old, ValueKind.Commands, "a"u8.ToArray());
        Ballot ballot = leader.Lead(
            60, new() { [1] = (new Slot(1), [new LogEntry(new Slot(2), old, value)]), [2] = (Slot.Zero, []) });
        leader.Step(new CatchUpReply(
            Node1,
            Node0,
            new Slot(1),
            new Slot(2),
            [new LogEntry(new Slot(1), old, Value.NoOp(old)), new LogEntry(new Slot(2), old, value)]));

        Assert.Equal(Role.Leader, leader.Core.Role);
        Assert.Equal(ballot, leader.Core.Ballot);
        Assert.Equal(new Slot(2), leader.Core.ChosenSlot);
    }

    [Fact]
    public void Prepare_leaves_only_when_the_own_promise_is_durable()
    {
        var candidate = new NodeUnderTest(0) { IsDiskStalled = true };
        candidate.At(60);
        PreVote vote = candidate.Take<PreVote>(to: 1).Single();
        candidate.Step(new PreVoteReply(Node1, Node0, vote.Ballot, Granted: true, Ballot.Zero));

        // Said before it is remembered, the ballot could be used again after a crash, for other values.
        Assert.Equal(Role.Candidate, candidate.Core.Role);
        Assert.Empty(candidate.Take<Prepare>());

        candidate.ResumeDisk();
        Assert.Equal(2, candidate.Take<Prepare>().Count);
        Assert.Equal(vote.Ballot, candidate.DurablePromise);
    }

    [Fact]
    public void OnAccepted_vote_for_an_older_ballot_counts_for_nothing()
    {
        var leader = new NodeUnderTest(0, voters: 5);
        Ballot ballot = leader.Lead(60, new() { [1] = (Slot.Zero, []), [2] = (Slot.Zero, []) });
        var slot = new Slot(1);
        Accepted Vote(NodeId from, Ballot at) => new(from, Node0, at, [slot]);

        leader.Step(Vote(Node1, ballot), Vote(Node2, new Ballot(ballot.Round - 1, Node0)));
        Assert.Equal(Slot.Zero, leader.Core.ChosenSlot);

        leader.Step(Vote(Node2, ballot));
        Assert.Equal(slot, leader.Core.ChosenSlot);
    }

    /// <summary>
    /// What this node proposed in an earlier term may still be in flight for its callers. Had it led by the promises of
    /// others alone it would have proposed something else in the same slot.
    /// </summary>
    [Fact]
    public void OnPromise_of_others_before_the_own_one_does_not_make_the_leader()
    {
        var candidate = new NodeUnderTest(0) { IsDiskStalled = true };
        candidate.At(60);
        PreVote vote = candidate.Take<PreVote>(to: 1).Single();
        candidate.Step(new PreVoteReply(Node1, Node0, vote.Ballot, Granted: true, Ballot.Zero));
        candidate.Step(
            new Promise(Node1, Node0, vote.Ballot, Slot.Zero, []),
            new Promise(Node2, Node0, vote.Ballot, Slot.Zero, []));
        Assert.Equal(Role.Candidate, candidate.Core.Role);

        candidate.ResumeDisk();
        Assert.Equal(Role.Leader, candidate.Core.Role);
    }

    [Fact]
    public void OnHeartbeat_new_node_answers_only_when_it_would_remember()
    {
        var follower = new NodeUnderTest(1) { IsDiskStalled = true };
        var ballot = new Ballot(1, Node0);
        follower.Step(new Heartbeat(Node0, Node1, ballot, 1, Slot.Zero, Slot.Zero));
        Assert.Empty(follower.Take<HeartbeatReply>());

        follower = new NodeUnderTest(1);
        follower.Step(new Heartbeat(Node0, Node1, ballot, 1, Slot.Zero, Slot.Zero));
        Assert.Single(follower.Take<HeartbeatReply>());
        Assert.Equal(ballot, follower.DurablePromise);

        // Back from a crash it keeps still for as long as the lease that it granted may hold.
        follower.Restart();
        follower.At(1);
        var candidate = new Ballot(2, Node2);
        follower.Step(new PreVote(Node2, Node1, candidate, new Slot(1)));
        follower.Step(new Prepare(Node2, Node1, candidate, new Slot(1)));
        Assert.False(Assert.Single(follower.Take<PreVoteReply>()).Granted);
        Assert.Empty(follower.Take<Promise>());
    }

    [Fact]
    public void OnHeartbeat_slow_disk_later_answers_at_once()
    {
        var follower = new NodeUnderTest(1);
        var ballot = new Ballot(1, Node0);
        follower.Step(new Heartbeat(Node0, Node1, ballot, 1, Slot.Zero, Slot.Zero));
        follower.Take<HeartbeatReply>();

        follower.IsDiskStalled = true;
        follower.Step(new Heartbeat(Node0, Node1, ballot, 2, Slot.Zero, Slot.Zero));

        Assert.Equal(2, Assert.Single(follower.Take<HeartbeatReply>()).Round);
    }

    [Fact]
    public void BecomeLeader_stuck_before_has_time_to_choose_its_first_slots()
    {
        // Node 0 hears that slot 1 is chosen, but gets it from nobody; then its leader is gone.
        var node = new NodeUnderTest(0);
        var old = new Ballot(1, Node1);
        node.Step(new Heartbeat(Node1, Node0, old, 1, new Slot(1), Slot.Zero));
        int tick = 1;
        while (node.Core.Role != Role.PreCandidate && tick < 100)
        {
            node.At(++tick);
        }

        // Node 2 has voted for slot 1 and does not know it to be chosen: only proposing it anew helps.
        var entry = new LogEntry(new Slot(1), old, new Value(old, ValueKind.Commands, "a"u8.ToArray()));
        PreVote vote = node.Take<PreVote>(to: 2)[^1];
        node.Step(new PreVoteReply(Node2, Node0, vote.Ballot, Granted: true, old));
        node.Step(new Promise(Node2, Node0, node.Take<Prepare>(to: 2)[^1].Ballot, Slot.Zero, [entry]));
        Assert.Equal(Role.Leader, node.Core.Role);

        for (int i = 0; i < 20; i++)
        {
            node.At(++tick);
        }

        Assert.Equal(Role.Leader, node.Core.Role);
    }

    [Fact]
    public void OnPrepare_same_ballot_again_promises_again()
    {
        // Its own leader asks for a higher ballot; the first promise gets lost, and the leader asks again.
        var follower = new NodeUnderTest(1);
        follower.Step(new Heartbeat(Node0, Node1, new Ballot(1, Node0), 1, Slot.Zero, Slot.Zero));
        var prepare = new Prepare(Node0, Node1, new Ballot(2, Node0), new Slot(1));

        follower.Step(prepare);
        follower.Step(prepare);

        Assert.Equal(2, follower.Take<Promise>().Count);
    }

    [Fact]
    public void AdvanceTo_single_voter_leads_on_after_a_pause()
    {
        var single = new NodeUnderTest(0, voters: 1);
        single.At(1);
        Assert.Equal(Role.Leader, single.Core.Role);
        Ballot ballot = single.Core.Ballot;

        single.At(5_000);

        Assert.Equal(Role.Leader, single.Core.Role);
        Assert.Equal(ballot, single.Core.Ballot);
    }

    [Fact]
    public void IsReluctant_leader_steps_down_once_and_seeks_votes_only_when_nobody_else_has_led_for_long()
    {
        var node = new NodeUnderTest(0);
        node.Lead(61, new() { [1] = (Slot.Zero, []) });

        node.Do(core => core.IsReluctant = true);
        Assert.Equal(Role.Follower, node.Core.Role);
        Assert.Null(node.Core.Leader);
        node.At(61 + (4 * 40) - 1);
        Assert.Empty(node.Take<PreVote>());

        node.Lead(61 + (5 * 40), new() { [1] = (Slot.Zero, []) });
        node.Do(core => core.IsReluctant = true);
        Assert.Equal(Role.Leader, node.Core.Role);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void MayLead_leader_that_may_not_any_more_steps_down_and_never_seeks_votes(int voters)
    {
        var node = new NodeUnderTest(0, voters);
        if (voters == 1)
        {
            node.At(1);
        }
        else
        {
            node.Lead(61, new() { [1] = (Slot.Zero, []) });
        }

        Assert.Equal(Role.Leader, node.Core.Role);
        node.Do(core => core.MayLead = false);
        Assert.Equal(Role.Follower, node.Core.Role);
        Assert.Equal(0, node.Core.LeaseUntilTick);
        for (int tick = 62; tick < 2_000; tick += 10)
        {
            node.At(tick);
        }

        Assert.Equal(Role.Follower, node.Core.Role);
        Assert.Empty(node.Take<PreVote>());
        node.Do(core => core.MayLead = true);
        for (int tick = 2_000; tick < 2_200; tick += 10)
        {
            node.At(tick);
        }

        Assert.True(voters == 1 ? node.Core.Role == Role.Leader : node.Take<PreVote>().Count > 0);
    }

    [Fact]
    public void MayLead_voter_that_may_not_lead_promises_accepts_and_takes_over_from_nobody()
    {
        var node = new NodeUnderTest(1);
        node.Do(core => core.MayLead = false);
        node.At(61);
        var ballot = new Ballot(7, Node0);

        node.Step(new PreVote(Node0, Node1, ballot, new Slot(1)));
        Assert.True(Assert.Single(node.Take<PreVoteReply>()).Granted);
        node.Step(new Prepare(Node0, Node1, ballot, new Slot(1), default));
        Assert.Equal(ballot, Assert.Single(node.Take<Promise>()).Ballot);
        node.Step(new Accept(
            Node0, Node1, ballot, Slot.Zero, [new LogEntry(new Slot(1), ballot, Value.NoOp(ballot))]));
        Assert.Equal([new Slot(1)], Assert.Single(node.Take<Accepted>()).Slots);
        node.Step(new TimeoutNow(Node0, Node1, ballot));

        Assert.Equal(Role.Follower, node.Core.Role);
        Assert.Empty(node.Take<Prepare>());
    }

    [Fact]
    public void HoldsCatchUp_node_far_behind_asks_for_nothing_until_it_is_let_go_on()
    {
        var follower = new NodeUnderTest(1);
        follower.Do(core => core.HoldsCatchUp = true);
        follower.At(50);
        follower.Step(new Heartbeat(Node0, Node1, new Ballot(1, Node0), 1, new Slot(1_000), Slot.Zero));
        follower.At(60);
        Assert.Empty(follower.Take<CatchUpRequest>());

        follower.Do(core => core.HoldsCatchUp = false);
        follower.At(61);

        Assert.Equal(new Slot(1), Assert.Single(follower.Take<CatchUpRequest>()).FromSlot);
    }

    [Fact]
    public void IsReluctant_single_voter_leads_on()
    {
        var single = new NodeUnderTest(0, voters: 1);
        single.At(1);

        single.Do(core => core.IsReluctant = true);

        Assert.Equal(Role.Leader, single.Core.Role);
    }

    [Fact]
    public void OnHeartbeat_data_ahead_of_the_log_is_told_as_durable_only_when_the_log_knows_it_chosen()
    {
        // Slots 1 and 2 are applied and flushed, but a crash may leave a log that does not know them to be chosen; were
        // they trimmed everywhere then, nobody could tell this node what they hold.
        var follower = new NodeUnderTest(1);
        var ballot = new Ballot(1, Node0);
        LogEntry[] entries =
        [
            new(new Slot(1), ballot, Value.NoOp(ballot)),
            new(new Slot(2), ballot, Value.NoOp(ballot)),
            new(new Slot(3), ballot, Value.NoOp(ballot)),
        ];
        follower.Step(new Accept(Node0, Node1, ballot, Slot.Zero, entries[..2]));
        follower.Step(new Heartbeat(Node0, Node1, ballot, 1, new Slot(2), Slot.Zero));
        follower.Core.DurableSlot = new Slot(2);
        follower.Take<HeartbeatReply>();
        follower.Step(new Heartbeat(Node0, Node1, ballot, 2, new Slot(2), Slot.Zero));
        Assert.Equal(Slot.Zero, Assert.Single(follower.Take<HeartbeatReply>()).DurableSlot);

        // The next write that is synced takes the note of what is chosen along.
        follower.Step(new Accept(Node0, Node1, ballot, new Slot(2), entries[2..]));
        follower.Step(new Heartbeat(Node0, Node1, ballot, 3, new Slot(2), Slot.Zero));
        Assert.Equal(new Slot(2), Assert.Single(follower.Take<HeartbeatReply>()).DurableSlot);
    }

    [Fact]
    public void Prepare_data_ahead_of_the_log_asks_for_what_the_log_lacks()
    {
        // The data has up to slot 5, the log knows up to slot 2 and nothing beyond. Others voted for 3 to 5, and learn
        // from the new leader that they are chosen.
        var old = new Ballot(1, Node1);
        var leader = new NodeUnderTest(0, restored: new RestoredState(old, new Slot(2), []));
        leader.Core.DurableSlot = new Slot(5);
        LogEntry[] voted =
        [
            .. Enumerable.Range(3, 3).Select(slot => new LogEntry(new Slot(slot), old, Value.NoOp(old))),
        ];
        Ballot ballot = leader.Lead(60, new() { [1] = (new Slot(2), voted) });

        Assert.Equal(
            [3, 4, 5, 6],
            leader.Take<Accept>(to: 1).SelectMany(accept => accept.Entries).Select(entry => (int)entry.Slot.Value));
        Assert.Equal(new Slot(6), leader.Core.OpeningSlot);
        Assert.Equal(Role.Leader, leader.Core.Role);
        Assert.Equal(ballot, leader.Core.Ballot);
    }

    [Fact]
    public void OnPreVote_candidate_far_behind_gets_no_vote_while_the_voter_could_lead()
    {
        // Elected, it would take no write before it has fetched what it missed.
        var old = new Ballot(1, Node0);
        var voter = new NodeUnderTest(1, restored: new RestoredState(old, new Slot(1_000), []));
        var candidate = new Ballot(2, Node2);
        voter.At(41);

        voter.Step(new PreVote(Node2, Node1, candidate, new Slot(1)));
        voter.Step(new PreVote(Node2, Node1, candidate, new Slot(900)));

        Assert.Equal([false, true], voter.Take<PreVoteReply>().Select(reply => reply.Granted));
    }

    [Fact]
    public void OnPreVote_candidate_below_the_log_gets_no_vote_while_the_voter_could_lead()
    {
        // Elected, it would need a snapshot, and restart to install it. Seed 60029633 elected six such leaders in turn.
        var old = new Ballot(1, Node0);
        var voter = new NodeUnderTest(1, restored: new RestoredState(old, new Slot(31), []));
        voter.Do(core => core.FirstAvailable = new Slot(26));
        var candidate = new Ballot(2, Node2);
        voter.At(41);

        voter.Step(new PreVote(Node2, Node1, candidate, new Slot(25)));
        voter.Step(new PreVote(Node2, Node1, candidate, new Slot(26)));

        Assert.Equal([false, true], voter.Take<PreVoteReply>().Select(reply => reply.Granted));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_001)]
    public void OnPreVote_candidate_far_behind_gets_the_vote_once_nobody_else_won_for_long(long firstAvailable)
    {
        // The voter itself may have nobody who hears it: then one that is behind is better than none.
        var old = new Ballot(1, Node0);
        var voter = new NodeUnderTest(1, restored: new RestoredState(old, new Slot(1_000), []));
        voter.Do(core => core.FirstAvailable = new Slot(firstAvailable));
        voter.At(200);

        voter.Step(new PreVote(Node2, Node1, new Ballot(9, Node2), new Slot(1)));

        Assert.True(Assert.Single(voter.Take<PreVoteReply>()).Granted);
    }

    [Fact]
    public void OnPreVote_candidate_of_a_new_group_gets_the_vote()
    {
        var voter = new NodeUnderTest(1);
        voter.Step(new PreVote(Node2, Node1, new Ballot(1, Node2), new Slot(1)));

        Assert.True(Assert.Single(voter.Take<PreVoteReply>()).Granted);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - 1)]
    [InlineData(1L << 40)]
    public void Step_round_that_no_election_can_have_reached_is_ignored(long round)
    {
        var follower = new NodeUnderTest(1);
        var absurd = new Ballot(round, Node0);
        follower.Step(
            new Heartbeat(Node0, Node1, absurd, 1, Slot.Zero, Slot.Zero),
            new Accept(Node0, Node1, absurd, Slot.Zero, [new LogEntry(new Slot(1), absurd, Value.NoOp(absurd))]),
            new Prepare(Node0, Node1, absurd, new Slot(1)),
            new PreVote(Node0, Node1, absurd, new Slot(1)),
            new PreVoteReply(Node0, Node1, new Ballot(1, Node1), Granted: false, absurd),
            new Refused(Node0, Node1, new Ballot(1, Node1), absurd));

        Assert.Equal(Ballot.Zero, follower.Core.Promised);
        Assert.Null(follower.Core.Leader);
        follower.At(100);
        Assert.All(follower.Take<PreVote>(), vote => Assert.InRange(vote.Ballot.Round, 1, 10));
        follower.Step(new Prepare(Node2, Node1, new Ballot(2, Node2), new Slot(1)));
        Assert.Single(follower.Take<Promise>());
    }

    [Fact]
    public void Step_round_of_a_group_that_went_on_for_years_is_followed()
    {
        var follower = new NodeUnderTest(1);
        var ballot = new Ballot(1_000_000_000, Node0);

        follower.Step(new Heartbeat(Node0, Node1, ballot, 1, Slot.Zero, Slot.Zero));

        Assert.Equal(Node0, follower.Core.Leader);
    }
}
