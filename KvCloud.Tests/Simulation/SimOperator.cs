using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Who runs the cluster: adds and removes members, promotes and demotes them, has others lead, at any time and asking
/// whoever believes to lead. A node that was removed is taken away some time later: until then it does what it likes.
/// </summary>
internal sealed class SimOperator(SimWorld world, SimProfile profile)
{
    private const long LookEveryUs = 50 * SimProfile.Millisecond;
    private const int StaysMaxMs = 2_000;

    private readonly HashSet<NodeId> _leaving = [];

    private DeterministicRandom Random => world.Random;

    private GroupMembers Members => world.Checker.Members;

    public void Start()
    {
        if (profile.ChangeEveryMs > 0)
        {
            Act();
            Look();
        }
    }

    /// <summary>Takes away who was never added: nobody waits for it.</summary>
    public void Heal()
    {
        foreach (SimNode node in world.Nodes.Where(node => !node.IsGone
            && Members.Find(node.Self) is null && !Members.Removed.Contains(node.Self)))
        {
            node.Lose(isPowerCut: false);
        }
    }

    private void Act() => world.After((1 + Random.Next(2 * profile.ChangeEveryMs)) * SimProfile.Millisecond, () =>
    {
        if (world.IsHealed)
        {
            return;
        }

        SimNode[] leaders = [.. world.Nodes.Where(node => node.Core?.Role == Role.Leader)];
        if (leaders.Length > 0 && Draw() is MemberChange change && !TakesSoundData(change))
        {
            SimNode leader = leaders[Random.Next(leaders.Length)];
            world.Trace($"operator asks {leader.Self} to {change.Kind} {change.Node} {change.Replaced}");
            leader.Change(change, 1 + Random.Next(2_000));
        }

        Act();
    });

    /// <summary>Who looks first takes no replica away while another has damaged data.</summary>
    private bool TakesSoundData(MemberChange change) =>
        change.Kind is MemberAction.Remove or MemberAction.Demote or MemberAction.Replace
        && world.Nodes.Any(node => !node.IsGone && node.HasUnsoundData);

    private MemberChange? Draw()
    {
        NodeId[] voters = [.. Members.Members.Where(member => member.IsVoter).Select(member => member.Id)];
        NodeId[] learners =
        [
            .. Members.Members.Where(member => !member.IsVoter && !member.IsOutgoing).Select(member => member.Id),
        ];
        NodeId[] others =
        [
            .. world.Nodes.Select(node => node.Self)
                .Where(node => Members.Find(node) is null && !Members.Removed.Contains(node)),
        ];
        bool isForced = Random.Chance(500) && world.Nodes.All(node => node.IsFormed || node.IsGone);
        return Random.Next(10) switch
        {
            < 3 when Any(others) is NodeId added => new MemberChange(MemberAction.Add, added),
            < 5 when Any(learners) is NodeId promoted => new MemberChange(MemberAction.Promote, promoted),
            5 when Any(learners) is NodeId learner && Any(voters) is NodeId replaced =>
                new MemberChange(MemberAction.Replace, learner, replaced, IsForced: isForced),
            6 when Any(voters) is NodeId demoted =>
                new MemberChange(MemberAction.Demote, demoted, IsForced: isForced),
            7 when Any([.. voters, .. learners]) is NodeId removed =>
                new MemberChange(MemberAction.Remove, removed, IsForced: isForced),
            _ => new MemberChange(MemberAction.TransferLeadership, Random.Chance(300) ? null : Any(voters)),
        };
    }

    private NodeId? Any(NodeId[] nodes) => nodes.Length == 0 ? null : nodes[Random.Next(nodes.Length)];

    private void Look()
    {
        foreach (NodeId removed in Settled().SelectMany(members => members.Removed))
        {
            if (_leaving.Add(removed))
            {
                SimNode node = world.Nodes[removed.Value];
                int staysMs = world.IsHealed ? 0 : Random.Next(StaysMaxMs);
                world.After(staysMs * SimProfile.Millisecond, () =>
                {
                    if (!node.IsGone)
                    {
                        node.Lose(isPowerCut: false);
                    }
                });
            }
        }

        world.After(LookEveryUs, Look);
    }

    /// <summary>As any replica tells that knows that nobody needs those who were removed.</summary>
    private IEnumerable<GroupMembers> Settled() => world.Nodes
        .Where(node => node.Core is { AreMembersSettled: true })
        .Select(node => node.Core!.Members);
}

/// <summary>What the operator waits for, and then knows.</summary>
internal sealed class SimMemberChange(SimWorld world, SimNode node) : PendingMemberChange
{
    protected override void Complete(in CommandResult result)
    {
        world.Trace($"operator hears of {node.Self}: {Change.Kind} {Change.Node}: {result.Code} {result.Message}");
        world.Reached.Transfers +=
            result.Code == KvStatus.Ok && Change.Kind == MemberAction.TransferLeadership ? 1 : 0;
    }
}
