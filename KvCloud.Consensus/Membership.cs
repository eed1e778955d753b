namespace KvCloud.Consensus;

/// <summary>
/// The voters of a group and what a quorum of them is. A set of voters is a bit mask in the order of their ids.
/// </summary>
/// <remarks>Fixed for the life of a <see cref="PaxosNode"/>; a change of members will replace this object as a
/// whole.</remarks>
internal sealed class Membership
{
    private readonly NodeId[] _voters;

    public Membership(NodeId self, IEnumerable<NodeId> voters)
    {
        Self = self;
        _voters = [.. voters.Order()];
        Others = [.. _voters.Where(voter => voter != self)];
        QuorumSize = (_voters.Length / 2) + 1;
    }

    public NodeId Self { get; }

    public IReadOnlyList<NodeId> Voters => _voters;

    public IReadOnlyList<NodeId> Others { get; }

    public int QuorumSize { get; }

    public bool IsAlone => _voters.Length == 1;

    /// <summary>Position among the voters; -1 for another node.</summary>
    public int IndexOf(NodeId node) => Array.IndexOf(_voters, node);

    public bool IsVoter(NodeId node) => IndexOf(node) >= 0;

    /// <summary>The mask with this voter added; another node adds nothing.</summary>
    public uint Add(uint mask, NodeId node)
    {
        int index = IndexOf(node);
        return index < 0 ? mask : mask | (1u << index);
    }

    public bool Contains(uint mask, NodeId node)
    {
        int index = IndexOf(node);
        return index >= 0 && (mask & (1u << index)) != 0;
    }

    public bool IsQuorum(uint mask) => System.Numerics.BitOperations.PopCount(mask) >= QuorumSize;
}
