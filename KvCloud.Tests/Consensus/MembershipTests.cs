using KvCloud.Consensus;

namespace KvCloud.Tests.Consensus;

/// <summary>The rules by which members change, each told of one node.</summary>
public class MembershipTests
{
    private static readonly Slot First = new(1);

    [Fact]
    public void StepTo_other_voters_takes_two_steps_and_remembers_who_left()
    {
        GroupMembers before = Group(Slot.Zero, Voter(0), Voter(1), Voter(2));

        GroupMembers joint = before.StepTo([Voter(0, "a"), Voter(1), Voter(3)]);
        Assert.True(joint.IsJoint);
        Assert.Equal("0: 0+- 1+- 2- 3+", joint.ToString());
        Assert.Empty(joint.Removed);

        var after = GroupMembers.Decode(new Slot(9), joint.AfterJoint().Encode());
        Assert.Equal("9: 0+ 1+ 3+", after.ToString());
        Assert.Equal([new NodeId(2)], after.Removed);
        Assert.Equal("a"u8.ToArray(), after.Find(new NodeId(0))!.Data.ToArray());
        Assert.Contains(
            "its id never returns", after.FindFlaw([Voter(0), Voter(1), Voter(2)]), StringComparison.Ordinal);
        Assert.Contains("under way", joint.FindFlaw([Voter(0)]), StringComparison.Ordinal);
    }

    [Fact]
    public void StepTo_only_learners_takes_one_step()
    {
        GroupMembers before = Group(Slot.Zero, Voter(0), Learner(5));

        GroupMembers after = before.StepTo([Voter(0), Learner(7)]);

        Assert.False(after.IsJoint);
        Assert.Equal("0: 0+ 7", after.ToString());
        Assert.Equal([new NodeId(5)], after.Removed);
    }

    [Fact]
    public void Decode_cut_short_or_of_another_format_is_refused()
    {
        byte[] whole = Group(Slot.Zero, Voter(0, "data")).Encode();

        Assert.Throws<InvariantViolationException>(() => GroupMembers.Decode(First, whole.AsSpan(0, whole.Length - 1)));
        whole[0]++;
        Assert.Throws<InvariantViolationException>(() => GroupMembers.Decode(First, whole));
    }

    [Fact]
    public void Propose_behind_a_change_waits_until_it_is_chosen()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => Assert.Equal(
            ProposeStatus.Proposed, core.ProposeMembers([Voter(0), Voter(1), Voter(2), Learner(3)], Slot.Zero).Status));

        Assert.Equal(ProposeStatus.WindowFull, leader.Core.CanPropose(1));
        Assert.Equal(
            ProposeStatus.WindowFull,
            leader.Core.ProposeMembers([Voter(0), Voter(1), Voter(2), Learner(4)], Slot.Zero).Status);

        leader.Step(Vote(1, ballot, 2));
        Assert.Equal(new Slot(2), leader.Core.Members.Slot);
        Assert.Equal(ProposeStatus.Proposed, leader.Core.CanPropose(1));
        Assert.NotEmpty(leader.Take<Heartbeat>(to: 3));
    }

    [Fact]
    public void ProposeMembers_of_what_others_have_changed_since_is_refused()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        IReadOnlyList<GroupMember> target = [Voter(0), Voter(1), Voter(2), Learner(3)];
        leader.Do(core => core.ProposeMembers(target, Slot.Zero));
        leader.Step(Vote(1, ballot, 2));

        Assert.Equal(ProposeStatus.WindowFull, leader.Core.ProposeMembers(target, Slot.Zero).Status);
    }

    [Fact]
    public void Reconfigure_joint_members_must_promise_and_accept_by_both_majorities()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => core.ProposeMembers([Voter(0), Voter(3), Voter(4)], Slot.Zero));
        leader.Take<Prepare>();
        leader.Step(Vote(1, ballot, 2));
        Assert.True(leader.Core.Members.IsJoint);

        // Of those of after only this node has promised: nothing is proposed yet, not even the second step.
        Prepare prepare = Assert.Single(leader.Take<Prepare>(to: 3));
        Assert.Equal((ballot, new Slot(3)), (prepare.Ballot, prepare.FirstUnchosen));
        Assert.Empty(leader.Take<Accept>(to: 3));
        Assert.Equal(ProposeStatus.WindowFull, leader.Core.CanPropose(1));

        leader.Step(new Promise(new NodeId(3), leader.Core.Self, ballot, Slot.Zero, []));
        LogEntry second = Assert.Single(leader.Take<Accept>(to: 3).SelectMany(accept => accept.Entries));
        Assert.Equal((new Slot(3), ValueKind.Membership), (second.Slot, second.Value.Kind));

        // Both majorities hold this node; that of after is not enough, nor was that of before.
        leader.Step(Vote(3, ballot, 3));
        Assert.True(leader.Core.Members.IsJoint);
        leader.Step(Vote(1, ballot, 3));
        Assert.Equal("3: 0+ 3+ 4+", leader.Core.Members.ToString());
        Assert.Equal(ProposeStatus.Proposed, leader.Core.CanPropose(1));
    }

    [Fact]
    public void Reconfigure_joint_members_that_do_not_promise_are_asked_again()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => core.ProposeMembers([Voter(0), Voter(3), Voter(4)], Slot.Zero));
        leader.Step(Vote(1, ballot, 2));
        leader.Take<Prepare>();

        leader.At(75);

        Assert.Single(leader.Take<Prepare>(to: 3));
        Assert.Empty(leader.Take<Prepare>(to: 1));
    }

    [Fact]
    public void Reconfigure_joint_members_report_is_adopted_before_anything_of_the_leaders_own()
    {
        // What the promise of the new member tells was accepted at a lower ballot by members that its leader knew.
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => core.ProposeMembers([Voter(0), Voter(3), Voter(4)], Slot.Zero));
        leader.Step(Vote(1, ballot, 2));
        leader.Take<Accept>();
        var old = new Ballot(ballot.Round - 1, new NodeId(4));
        var value = new Value(old, ValueKind.Commands, "x"u8.ToArray());

        leader.Step(new Promise(
            new NodeId(3), leader.Core.Self, ballot, Slot.Zero, [new LogEntry(new Slot(4), old, value)]));

        LogEntry[] entries = [.. leader.Take<Accept>(to: 4).SelectMany(accept => accept.Entries)];
        Assert.Equal(
            [(3, ValueKind.NoOp), (4, ValueKind.Commands), (5, ValueKind.Membership)],
            entries.Select(entry => ((int)entry.Slot.Value, entry.Value.Kind)));
    }

    [Fact]
    public void Lead_adopts_no_further_than_the_first_change_until_that_is_chosen()
    {
        var old = new Ballot(1, new NodeId(1));
        GroupMembers joint = Group(Slot.Zero, Voter(0), Voter(1), Voter(2)).StepTo([Voter(0), Voter(3), Voter(4)]);
        LogEntry[] reported =
        [
            new(new Slot(1), old, new Value(old, ValueKind.Membership, joint.Encode())),
            new(new Slot(2), old, new Value(old, ValueKind.Commands, "x"u8.ToArray())),
        ];
        var leader = new NodeUnderTest(0);
        Ballot ballot = leader.Lead(60, new() { [1] = (Slot.Zero, reported) });
        Assert.Equal(1, Assert.Single(leader.Take<Accept>(to: 1).SelectMany(accept => accept.Entries)).Slot.Value);
        leader.Take<Accept>();
        Assert.Equal(ProposeStatus.WindowFull, leader.Core.CanPropose(1));

        leader.Step(Vote(1, ballot, 1));
        Assert.Empty(leader.Take<Accept>());
        leader.Step(new Promise(new NodeId(3), leader.Core.Self, ballot, Slot.Zero, []));

        Assert.Equal(
            [(2, ValueKind.Commands), (3, ValueKind.NoOp), (4, ValueKind.Membership)],
            leader.Take<Accept>(to: 3).SelectMany(accept => accept.Entries)
                .Select(entry => ((int)entry.Slot.Value, entry.Value.Kind)));
        Assert.Equal(new Slot(3), leader.Core.OpeningSlot);
    }

    [Fact]
    public void OnPromise_of_one_that_knows_of_other_members_is_learned_from_first()
    {
        var leader = new NodeUnderTest(0);
        leader.At(60);
        PreVote vote = leader.Take<PreVote>(to: 1).Single();
        leader.Step(new PreVoteReply(vote.To, vote.From, vote.Ballot, Granted: true, Ballot.Zero));
        Ballot ballot = leader.Take<Prepare>(to: 1).Single().Ballot;
        leader.Step(new Promise(vote.To, vote.From, ballot, new Slot(5), [], MembersSlot: new Slot(3)));
        Assert.Equal(Role.Follower, leader.Core.Role);
        leader.At(61);
        leader.At(64);
        Assert.Single(leader.Take<CatchUpRequest>(to: 1));

        var old = new Ballot(1, vote.To);
        GroupMembers learner = Group(Slot.Zero, Voter(0), Voter(1), Voter(2)).StepTo(
            [Voter(0), Voter(1), Voter(2), Learner(3)]);
        leader.Step(new CatchUpReply(
            vote.To,
            vote.From,
            First,
            new Slot(5),
            [.. Enumerable.Range(1, 5).Select(slot => new LogEntry(
                new Slot(slot),
                old,
                slot == 3 ? new Value(old, ValueKind.Membership, learner.Encode()) : Value.NoOp(old)))]));

        Assert.Equal(new Slot(3), leader.Core.Members.Slot);
        leader.Lead(120, new() { [1] = (new Slot(5), []) });
        Assert.Equal(6, Assert.Single(leader.Take<Accept>(to: 3).SelectMany(accept => accept.Entries)).Slot.Value);
    }

    [Fact]
    public void Lead_never_proposes_at_or_below_the_slot_of_the_members_in_force()
    {
        // The data is ahead of the log, and knows of a change that the log does not.
        GroupMembers group = Group(new Slot(7), Voter(0), Voter(1), Voter(2));
        var old = new Ballot(1, new NodeId(1));
        var leader = new NodeUnderTest(0, restored: new RestoredState(old, new Slot(4), [], group));
        leader.Lead(60, new()
        {
            [1] = (new Slot(4), [new LogEntry(new Slot(5), old, Value.NoOp(old))]),
        });

        Assert.Equal(8, Assert.Single(leader.Take<Accept>(to: 1).SelectMany(accept => accept.Entries)).Slot.Value);
        Assert.Equal(new Slot(7), leader.Core.KnownChosen);
        leader.At(61);
        leader.At(64);
        Assert.NotEmpty(leader.Take<CatchUpRequest>());
    }

    [Fact]
    public void OnAccepted_vote_of_a_learner_counts_for_nothing()
    {
        GroupMembers group = Group(First, Voter(0), Voter(1), Voter(2), Learner(3));
        var leader = new NodeUnderTest(0, restored: new RestoredState(Ballot.Zero, First, [], group));
        Ballot ballot = leader.Lead(60, new() { [1] = (First, []) });

        Assert.NotEmpty(leader.Take<Accept>(to: 3));
        leader.Step(Vote(3, ballot, 2));
        Assert.Equal(First, leader.Core.ChosenSlot);
        leader.Step(Vote(2, ballot, 2));
        Assert.Equal(new Slot(2), leader.Core.ChosenSlot);
    }

    [Fact]
    public void AdvanceTo_without_a_vote_seeks_none_and_answers_who_does()
    {
        var joiner = new NodeUnderTest(3, voters: 0);
        GroupMembers group = Group(First, Voter(0), Voter(1), Voter(2), Learner(4));
        var learner = new NodeUnderTest(4, voters: 0, restored: new RestoredState(Ballot.Zero, First, [], group));
        var before = new Ballot(1, new NodeId(0));
        learner.Step(new Heartbeat(before.Node, learner.Core.Self, before, 1, First, Slot.Zero, SettledSlot: First));
        Assert.Single(learner.Take<HeartbeatReply>(to: 0));
        foreach (NodeUnderTest node in (NodeUnderTest[])[joiner, learner])
        {
            node.At(500);
            Assert.Empty(node.Take<PreVote>());
            Assert.Equal(Role.Follower, node.Core.Role);

            // It may have been promoted without knowing it yet.
            var ballot = new Ballot(9, new NodeId(1));
            node.Step(
                new PreVote(ballot.Node, node.Core.Self, ballot, new Slot(2)),
                new Prepare(ballot.Node, node.Core.Self, ballot, new Slot(2)));
            Assert.True(Assert.Single(node.Take<PreVoteReply>()).Granted);
            Assert.Single(node.Take<Promise>());
        }
    }

    [Fact]
    public void OnCatchUpReply_of_a_joiner_tells_who_the_members_are()
    {
        var joiner = new NodeUnderTest(3, voters: 0);
        var ballot = new Ballot(1, new NodeId(0));
        GroupMembers added = Group(Slot.Zero, Voter(0)).StepTo([Voter(0), Learner(3)]);
        joiner.Step(new Heartbeat(ballot.Node, joiner.Core.Self, ballot, 1, new Slot(2), Slot.Zero));
        joiner.At(1);
        joiner.At(5);
        Assert.Equal(First, Assert.Single(joiner.Take<CatchUpRequest>(to: 0)).FromSlot);

        joiner.Step(new CatchUpReply(ballot.Node, joiner.Core.Self, First, new Slot(2),
        [
            new LogEntry(First, ballot, Value.NoOp(ballot)),
            new LogEntry(new Slot(2), ballot, new Value(ballot, ValueKind.Membership, added.Encode())),
        ]));

        Assert.Equal("2: 0+ 3", joiner.Core.Members.ToString());
        Assert.Equal(2, joiner.Chosen.Count);
    }

    [Fact]
    public void AdvanceTo_one_that_was_left_alone_keeps_still_after_a_restart()
    {
        // The leader that has left may still have a lease that this node granted before it went down.
        GroupMembers alone = Group(new Slot(5), Voter(0));
        var node = new NodeUnderTest(
            0, restored: new RestoredState(new Ballot(3, new NodeId(1)), new Slot(5), [], alone));

        node.At(39);
        Assert.Equal(Role.Follower, node.Core.Role);
        node.At(60);
        Assert.Equal(Role.Leader, node.Core.Role);
    }

    [Fact]
    public void Request_when_all_known_members_are_gone_asks_the_leader_again()
    {
        // It knows of nodes 0 and 1 only; node 7 leads by members that it has not learned of.
        GroupMembers old = Group(First, Voter(0), Voter(1), Learner(3));
        var learner = new NodeUnderTest(3, voters: 0, restored: new RestoredState(Ballot.Zero, First, [], old));
        var ballot = new Ballot(5, new NodeId(7));
        var asked = new List<int>();
        for (int tick = 1; tick < 200; tick++)
        {
            learner.Step(new Heartbeat(ballot.Node, learner.Core.Self, ballot, tick, new Slot(90), Slot.Zero));
            learner.At(tick);
            asked.AddRange(learner.Take<CatchUpRequest>().Select(request => request.To.Value));
        }

        Assert.True(asked.Count(node => node == 7) > 3, string.Join(' ', asked));
        Assert.Contains(0, asked);
        Assert.Contains(1, asked);
    }

    [Fact]
    public void Chosen_change_is_handed_out_when_the_log_has_noted_it_durably()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => core.ProposeMembers([Voter(0), Voter(1), Voter(2), Learner(3)], Slot.Zero));
        leader.IsDiskStalled = true;

        leader.Step(Vote(1, ballot, 2));
        leader.Do(core => core.Propose("a"u8.ToArray()));
        leader.Step(Vote(1, ballot, 3), Vote(2, ballot, 3));
        Assert.Equal((new Slot(3), new Slot(2)), (leader.Core.ChosenSlot, leader.Core.Members.Slot));
        Assert.Equal([1], leader.Chosen.Select(entry => (int)entry.Slot.Value));

        // Nor is it told to anybody as durably known.
        var other = new Ballot(9, new NodeId(1));
        leader.Step(new Heartbeat(other.Node, leader.Core.Self, other, 1, Slot.Zero, Slot.Zero));
        Assert.Equal(First, Assert.Single(leader.Take<HeartbeatReply>()).ChosenSlot);

        leader.ResumeDisk();
        Assert.Equal([1, 2, 3], leader.Chosen.Select(entry => (int)entry.Slot.Value));
    }

    [Fact]
    public void Reconfigure_leader_that_is_no_voter_any_more_tells_and_steps_down()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Step(HeartbeatReply(leader, 1, ballot), HeartbeatReply(leader, 2, ballot));
        leader.Do(core => core.ProposeMembers([Voter(1), Voter(2)], Slot.Zero));
        leader.Step(Vote(1, ballot, 2), new Promise(new NodeId(2), leader.Core.Self, ballot, Slot.Zero, []));
        leader.Step(Vote(1, ballot, 3));
        Assert.Equal(Role.Leader, leader.Core.Role);
        leader.Take<Heartbeat>();

        leader.Step(Vote(2, ballot, 3));

        // It proposes nothing more, and stays until enough of those of after know of it.
        Assert.Equal("3: 1+ 2+", leader.Core.Members.ToString());
        Heartbeat told = Assert.Single(leader.Take<Heartbeat>(to: 1));
        Assert.Equal((new Slot(3), Slot.Zero), (told.ChosenSlot, told.SettledSlot));
        Assert.Equal((Role.Leader, false), (leader.Core.Role, leader.Core.AreMembersSettled));
        Assert.Equal(ProposeStatus.WindowFull, leader.Core.CanPropose(1));
        leader.Step(Knows(leader, 1, told, new Slot(3)));
        Assert.Equal(Role.Leader, leader.Core.Role);
        leader.Step(Knows(leader, 2, told, new Slot(3)));

        Assert.Equal((Role.Follower, true), (leader.Core.Role, leader.Core.AreMembersSettled));
        Assert.Equal(new Slot(3), Assert.Single(leader.Take<Heartbeat>(to: 1)).SettledSlot);
        Assert.Single(leader.Take<TimeoutNow>());
        leader.At(1_000);
        Assert.Empty(leader.Take<PreVote>());
    }

    /// <summary>
    /// Seed 1060: the leader that replaced itself lost its contact and stepped down; the only voter of after had been
    /// restarted from a snapshot of before the change, and took itself for a learner. Nobody sought votes.
    /// </summary>
    [Fact]
    public void AdvanceTo_without_a_vote_seeks_some_when_those_who_have_one_may_not_know_it()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Step(HeartbeatReply(leader, 1, ballot), HeartbeatReply(leader, 2, ballot));
        leader.Do(core => core.ProposeMembers([Voter(1), Voter(2)], Slot.Zero));
        leader.Step(Vote(1, ballot, 2), new Promise(new NodeId(2), leader.Core.Self, ballot, Slot.Zero, []));
        leader.Step(Vote(1, ballot, 3));
        leader.Step(Vote(2, ballot, 3));
        Assert.Equal("3: 1+ 2+", leader.Core.Members.ToString());
        leader.Take<PreVote>();

        for (int tick = 10; tick < 1_000; tick += 10)
        {
            leader.At(tick);
        }

        Assert.Equal(Role.PreCandidate, leader.Core.Role);
        PreVote[] asked = [.. leader.Take<PreVote>()];
        Assert.Equal([1, 2], asked.Select(message => message.To.Value).Distinct().Order());
        foreach (int voter in (int[])[1, 2])
        {
            leader.Step(new PreVoteReply(new NodeId(voter), leader.Core.Self, asked[^1].Ballot, true, ballot));
        }

        foreach (int voter in (int[])[1, 2])
        {
            leader.Step(new Promise(new NodeId(voter), leader.Core.Self, asked[^1].Ballot, Slot.Zero, []));
        }

        // It leads to tell them, and proposes nothing.
        Assert.Equal(Role.Leader, leader.Core.Role);
        Assert.Equal(new Slot(3), leader.Take<Heartbeat>(to: 1)[^1].ChosenSlot);
        Assert.Equal(ProposeStatus.WindowFull, leader.Core.CanPropose(1));
    }

    [Fact]
    public void Reconfigure_rounds_count_by_the_members_in_force()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => core.ProposeMembers([Voter(0), Voter(3), Voter(4)], Slot.Zero));
        leader.Step(Vote(1, ballot, 2));
        leader.Step(new Promise(new NodeId(3), leader.Core.Self, ballot, Slot.Zero, []));
        leader.Step(Vote(1, ballot, 3), Vote(3, ballot, 3));
        leader.Take<Heartbeat>();
        leader.Do(core => core.ReadIndex(7));
        Heartbeat round = leader.Take<Heartbeat>(to: 3)[^1];

        // Those of before are no quorum any more.
        leader.Step(
            new HeartbeatReply(new NodeId(1), leader.Core.Self, ballot, round.Round, Slot.Zero, Slot.Zero),
            new HeartbeatReply(new NodeId(2), leader.Core.Self, ballot, round.Round, Slot.Zero, Slot.Zero));
        Assert.Empty(leader.Reads);
        leader.Step(new HeartbeatReply(new NodeId(4), leader.Core.Self, ballot, round.Round, Slot.Zero, Slot.Zero));
        Assert.True(Assert.Single(leader.Reads).Confirmed);
    }

    // ---- Transfer of leadership ----

    [Fact]
    public void TryTransferLeadership_asks_the_successor_when_it_has_all_and_gives_up_the_lease()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => core.Propose("a"u8.ToArray()));
        leader.Do(core => Assert.True(core.TryTransferLeadership(new NodeId(1))));
        Assert.Equal(ProposeStatus.WindowFull, leader.Core.CanPropose(1));

        leader.Step(Vote(2, ballot, 2));
        leader.At(70);
        long round = leader.Take<Heartbeat>(to: 1)[^1].Round;
        leader.Step(new HeartbeatReply(new NodeId(2), leader.Core.Self, ballot, round, new Slot(2), Slot.Zero));
        Assert.Empty(leader.Take<TimeoutNow>());
        Assert.NotEqual(0, leader.Core.LeaseUntilTick);

        leader.Step(new HeartbeatReply(new NodeId(1), leader.Core.Self, ballot, round, new Slot(2), Slot.Zero));
        Assert.Equal(ballot, Assert.Single(leader.Take<TimeoutNow>(to: 1)).Ballot);
        Assert.Equal(0, leader.Core.LeaseUntilTick);

        // No round brings it back: what was sent may arrive at any time.
        leader.At(80);
        leader.Step(HeartbeatReply(leader, 1, ballot), HeartbeatReply(leader, 2, ballot));
        Assert.Equal(0, leader.Core.LeaseUntilTick);

        // Nor does the successor come: it goes on, at another ballot.
        for (int tick = 81; tick < 120; tick++)
        {
            leader.At(tick);
            leader.Step(HeartbeatReply(leader, 1, ballot), HeartbeatReply(leader, 2, ballot));
        }

        Assert.Equal(Role.PreCandidate, leader.Core.Role);
    }

    [Fact]
    public void OnRefused_by_the_successor_that_was_asked_leaves_the_next_term_to_it()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => Assert.True(core.TryTransferLeadership(new NodeId(1))));
        leader.At(70);
        long round = leader.Take<Heartbeat>(to: 1)[^1].Round;
        leader.Step(new HeartbeatReply(
            new NodeId(1), leader.Core.Self, ballot, round, leader.Core.ChosenSlot, leader.Core.ChosenSlot));
        Assert.Single(leader.Take<TimeoutNow>(to: 1));
        Assert.True(leader.Core.IsTransferringLeadership);

        // Its promise is on its way to the disk, and its Prepare waits for it, when a heartbeat reaches it.
        var next = new Ballot(ballot.Round + 1, new NodeId(1));
        leader.Step(new Refused(new NodeId(1), leader.Core.Self, ballot, next));
        leader.At(80);

        Assert.Equal((Role.Follower, false), (leader.Core.Role, leader.Core.IsTransferringLeadership));
        Assert.Empty(leader.Take<PreVote>());
        leader.Step(new Prepare(next.Node, leader.Core.Self, next, new Slot(2), ballot));
        Assert.Equal(next, Assert.Single(leader.Take<Promise>(to: 1)).Ballot);
    }

    [Fact]
    public void OnRefused_by_another_than_the_successor_seeks_a_higher_ballot_at_once()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        leader.Do(core => Assert.True(core.TryTransferLeadership(new NodeId(1))));

        leader.Step(new Refused(new NodeId(2), leader.Core.Self, ballot, new Ballot(ballot.Round + 1, new NodeId(2))));

        Assert.Equal(Role.PreCandidate, leader.Core.Role);
    }

    [Fact]
    public void TryTransferLeadership_to_one_that_does_not_catch_up_goes_on_as_before()
    {
        NodeUnderTest leader = LeaderOf(3, out Ballot ballot);
        Assert.False(leader.Core.TryTransferLeadership(leader.Core.Self));
        Assert.False(leader.Core.TryTransferLeadership(new NodeId(9)));
        leader.Do(core => Assert.True(core.TryTransferLeadership(new NodeId(1))));

        for (int tick = 61; tick <= 101; tick++)
        {
            leader.At(tick);
            leader.Step(HeartbeatReply(leader, 2, ballot));
        }

        Assert.Empty(leader.Take<TimeoutNow>());
        Assert.Equal((Role.Leader, ballot), (leader.Core.Role, leader.Core.Ballot));
        Assert.Equal(ProposeStatus.Proposed, leader.Core.CanPropose(1));
        Assert.NotEqual(0, leader.Core.LeaseUntilTick);
    }

    [Fact]
    public void OnTimeoutNow_of_the_leader_prepares_without_asking_before()
    {
        var follower = new NodeUnderTest(1);
        var ballot = new Ballot(4, new NodeId(0));
        follower.Step(new TimeoutNow(ballot.Node, follower.Core.Self, ballot));
        Assert.Empty(follower.Said);

        follower.Step(new Heartbeat(ballot.Node, follower.Core.Self, ballot, 1, Slot.Zero, Slot.Zero));
        follower.Step(new TimeoutNow(ballot.Node, follower.Core.Self, new Ballot(3, ballot.Node)));
        Assert.Empty(follower.Take<Prepare>());
        follower.Step(new TimeoutNow(ballot.Node, follower.Core.Self, ballot));

        Assert.Empty(follower.Take<PreVote>());
        Assert.All(follower.Take<Prepare>(), prepare => Assert.Equal(ballot, prepare.TransferOf));
        Assert.Equal(Role.Candidate, follower.Core.Role);
    }

    [Fact]
    public void OnPrepare_of_a_transfer_is_answered_inside_the_lease_of_that_leader_alone()
    {
        var ballot = new Ballot(4, new NodeId(0));
        var voter = new NodeUnderTest(2);
        voter.Step(new Heartbeat(ballot.Node, voter.Core.Self, ballot, 1, Slot.Zero, Slot.Zero));
        Prepare Marked(Ballot of) => new(new NodeId(1), voter.Core.Self, new Ballot(7, new NodeId(1)), First, of);

        voter.Step(Marked(default), Marked(new Ballot(3, new NodeId(0))), Marked(new Ballot(5, new NodeId(0))));
        Assert.Empty(voter.Take<Promise>());

        voter.Step(Marked(ballot));
        Assert.Single(voter.Take<Promise>());
    }

    private static GroupMember Voter(int id, string data = "") =>
        new(new NodeId(id), MemberRoles.Voter, System.Text.Encoding.UTF8.GetBytes(data));

    private static GroupMember Learner(int id) => new(new NodeId(id), MemberRoles.Learner, default);

    /// <summary>Any members, as a slot has them.</summary>
    private static GroupMembers Group(Slot slot, params IReadOnlyList<GroupMember> members) =>
        GroupMembers.Decode(slot, GroupMembers.None.StepTo(members).AfterJoint().Encode());

    private static Accepted Vote(int from, Ballot ballot, long slot) =>
        new(new NodeId(from), ballot.Node, ballot, [new Slot(slot)]);

    private static HeartbeatReply HeartbeatReply(NodeUnderTest leader, int from, Ballot ballot) => new(
        new NodeId(from), leader.Core.Self, ballot, leader.Said.OfType<Heartbeat>().LastOrDefault()?.Round ?? 1,
        Slot.Zero, Slot.Zero);

    private static HeartbeatReply Knows(NodeUnderTest leader, int from, Heartbeat told, Slot chosen) =>
        new(new NodeId(from), leader.Core.Self, told.Ballot, told.Round, chosen, Slot.Zero);

    /// <summary>Node 0 leads with the promise of node 1, and its opening no-op in slot 1 is chosen.</summary>
    private static NodeUnderTest LeaderOf(int voters, out Ballot ballot)
    {
        var leader = new NodeUnderTest(0, voters);
        ballot = leader.Lead(60, new() { [1] = (Slot.Zero, []) });
        leader.Step(Vote(1, ballot, 1));
        Assert.Equal(First, leader.Core.ChosenSlot);
        leader.Take<Accept>();
        return leader;
    }
}
