using KvCloud.Consensus;
using KvCloud.Node.History;

namespace KvCloud.Tests.Node.Cluster;

public sealed class ClusterEventsTests : IDisposable
{
    private readonly ClusterFixture _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public void NoteChanges_of_a_leader_that_is_lost_and_found_are_two_events()
    {
        _cluster.Status = _cluster.Status with { Leader = null };
        _cluster.Manager.Refresh(isInterval: false);
        _cluster.Status = _cluster.Status with { Leader = new NodeId(2), Ballot = new Ballot(5, new NodeId(2)) };
        _cluster.Manager.Refresh(isInterval: false);

        NodeEvent[] events = [.. Events().Where(one => one.Type.StartsWith("leader", StringComparison.Ordinal))];

        Assert.Equal([EventTypes.LeaderLost, EventTypes.LeaderElected], events.Select(one => one.Type));
        Assert.Equal([1, 2], events.Select(one => one.NodeId));
        Assert.Equal("node-2 leads, term 5", events[1].Message);
        Assert.Equal(5, events[1].Term);
    }

    [Fact]
    public void NoteChanges_of_a_peer_that_falls_silent_is_an_error_with_its_reason()
    {
        _cluster.Manager.Received(ClusterFixture.Report(1, Role.Leader));
        _cluster.Manager.Refresh(isInterval: false);
        _cluster.Time.Advance(TimeSpan.FromMinutes(1));
        _cluster.Manager.Refresh(isInterval: false);

        NodeEvent silent = Events().Last(one => one.NodeId == 1);

        Assert.Equal((EventTypes.HealthChanged, EventSeverities.Error), (silent.Type, silent.Severity));
        Assert.Contains("unreachable: silent for", silent.Message, StringComparison.Ordinal);
        Assert.Equal(_cluster.Time.GetUtcNow(), silent.Time);
    }

    [Fact]
    public void NoteChanges_of_the_members_say_who_came_got_a_vote_and_went()
    {
        Change(slot: 10, (0, true), (1, true), (2, true), (3, false));
        Change(slot: 11, (0, true), (1, true), (2, true), (3, true));
        Change(slot: 12, (0, true), (2, true), (3, true));

        Assert.Equal(
            [
                (EventTypes.MemberAdded, 3), (EventTypes.MemberPromoted, 3), (EventTypes.MemberRemoved, 1),
            ],
            Events().Where(one => one.Type.StartsWith("member", StringComparison.Ordinal))
                .Select(one => (one.Type, one.NodeId!.Value)));
    }

    [Fact]
    public void NoteDivergence_of_a_peer_names_it_and_the_slot()
    {
        _cluster.Manager.TakeOwnHash(_cluster.Status with { HashedSlot = new Slot(64), StateHash = 1 });
        _cluster.Manager.Received(ClusterFixture.Report(1) with { HashedSlot = new Slot(64), StateHash = 2 });

        NodeEvent diverged = Assert.Single(Events(), one => one.Type == EventTypes.StateDiverged);

        Assert.Equal((1, 64), (diverged.NodeId, diverged.Slot));
    }

    private void Change(long slot, params (int Id, bool IsVoter)[] members)
    {
        GroupMembers changed = GroupMembers
            .Initial(members.Where(member => member.IsVoter).Select(member => new NodeId(member.Id)))
            .StepTo([
                .. members.Select(member => new GroupMember(
                    new NodeId(member.Id), member.IsVoter ? MemberRoles.Voter : MemberRoles.Learner, default)),
            ]);
        _cluster.Status = _cluster.Status with { Members = GroupMembers.Decode(new Slot(slot), changed.Encode()) };
        _cluster.Manager.Refresh(isInterval: false);
    }

    private IReadOnlyList<NodeEvent> Events() => _cluster.Events.Read(after: 0, limit: 100).Items;
}
