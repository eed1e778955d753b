using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Raises the group's feature level, as its leader, once every member (voters and learners) has been connected for a
/// while, supports the next level, and is configured to allow it. Of the consensus worker.
/// </summary>
/// <remarks>
/// A disconnected member holds the level back: nobody knows which release it will run when it returns. A removed member
/// does so until its removal is settled. The members considered are those that govern the slot of the raise, because a
/// leader proposes nothing after a change of members before it knows it to be chosen. A member that is added later must
/// support whatever level may be in force by then (<see cref="LevelToFollow"/>).
/// </remarks>
internal sealed class FeatureLevelRaiser(
    ReplicationOptions options, IConsensusTransport transport, KvStoreExecutor executor)
{
    private int _target;
    private long _sinceMs;
    private int _announced;
    private Slot _proposedIn;
    private int _proposed;

    /// <summary>The level in force, or a higher one that this leader has proposed in this term.</summary>
    public int LevelToFollow => Math.Max(executor.Applied.FeatureLevel, _proposed);

    /// <summary>
    /// Whether this leader knows the level in force in the slots that it proposes: it has applied what earlier leaders
    /// proposed.
    /// </summary>
    public bool KnowsLevel(PaxosNode node) => executor.AppliedSlot >= node.OpeningSlot;

    /// <summary>Why the node cannot become a member; null if it can, or has not told its supported level.</summary>
    public string? Refuse(NodeId node) =>
        transport.ReleaseOf(node) is PeerRelease release && release.SupportedLevel < LevelToFollow
            ? $"{node} supports feature level {release.SupportedLevel}, but the group is at {LevelToFollow}; nothing"
                + " was changed. Upgrade it first"
            : null;

    /// <summary>Called at each tick.</summary>
    public void Tick(PaxosNode node, ProposalQueue proposals, long nowMs)
    {
        AppliedState applied = executor.Applied;
        if (applied.FeatureLevel != _announced)
        {
            // From now on the handshake refuses replicas that do not support the level.
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

    /// <summary>The highest level that every member allows; 0 while one of them is disconnected.</summary>
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
