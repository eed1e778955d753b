using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Raises the group's feature level as its leader, once every member (voters and learners) has been connected for a
/// while, can follow, and lets the group rise. Of the consensus worker.
/// </summary>
/// <remarks>
/// A member that is away holds the group back: what it will run when it comes back nobody knows. One that was removed
/// does so until nobody needs it any more. The members are those
/// that govern the very slot of the raise, because a leader proposes nothing behind a change of members before it knows
/// it to be chosen; and who is added later is asked for what can be in force by then (<see cref="LevelToFollow"/>).
/// </remarks>
internal sealed class FeatureLevelRaiser(
    ReplicationOptions options, IConsensusTransport transport, KvStoreExecutor executor)
{
    private int _target;
    private long _sinceMs;
    private int _announced;
    private Slot _proposedIn;
    private int _proposed;

    /// <summary>The level in force, or the one that this leader has proposed and does not know the fate of.</summary>
    public int LevelToFollow => Math.Max(executor.Applied.FeatureLevel, _proposed);

    /// <summary>
    /// Whether this leader knows the level of the slots that it proposes in: what leaders before it proposed is
    /// applied.
    /// </summary>
    public bool KnowsLevel(PaxosNode node) => executor.AppliedSlot >= node.OpeningSlot;

    /// <summary>Why the node cannot become a member; null if it can, or has not said what it can follow.</summary>
    public string? Refuse(NodeId node) =>
        transport.ReleaseOf(node) is PeerRelease release && release.SupportedLevel < LevelToFollow
            ? $"{node} can follow feature level {release.SupportedLevel}, and the group is at {LevelToFollow}:"
                + " upgrade it first"
            : null;

    /// <summary>At each tick.</summary>
    public void Tick(PaxosNode node, ProposalQueue proposals, long nowMs)
    {
        AppliedState applied = executor.Applied;
        if (applied.FeatureLevel != _announced)
        {
            // From now on a replica that cannot follow is told so when it connects.
            _announced = applied.FeatureLevel;
            transport.RequireFeatureLevel(applied.FeatureLevel);
        }

        if (node.Role != Role.Leader)
        {
            _proposed = 0;
            _target = 0;
            return;
        }

        int target = TargetOf(node);
        if (target != _target)
        {
            (_target, _sinceMs) = (target, nowMs);
        }

        bool isUnderWay = _proposed > 0 && applied.Slot < _proposedIn;
        if (target > applied.FeatureLevel && target >= FeatureLevels.LevelOf(CommandKind.RaiseFeatureLevel)
            && !isUnderWay && KnowsLevel(node) && node.AreMembersSettled
            && nowMs - _sinceMs >= options.FeatureLevelDelayMs
            && proposals.ProposeRaise(node, target) is Slot slot)
        {
            (_proposed, _proposedIn) = (target, slot);
        }
    }

    /// <summary>The highest level that all members allow; 0 while one of them is not connected.</summary>
    private int TargetOf(PaxosNode node)
    {
        int target = options.AllowedLevel;
        IReadOnlyList<GroupMember> members = node.Members.Members;
        for (int i = 0; i < members.Count; i++)
        {
            NodeId id = members[i].Id;
            if (id != node.Self)
            {
                PeerRelease? release = transport.StateOf(id).IsConnected ? transport.ReleaseOf(id) : null;
                target = Math.Min(target, release?.AllowedLevel ?? 0);
            }
        }

        return target;
    }
}
