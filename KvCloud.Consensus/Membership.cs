namespace KvCloud.Consensus;

/// <summary>
/// The voters of a group, and what makes a quorum of them. A set of voters is a bit mask in the order of their ids.
/// </summary>
/// <remarks>
/// Fixed for the life of a <see cref="PaxosNode"/>. A membership change will replace the whole object.
/// </remarks>
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

    /// <summary>Position among the voters; -1 for a node that is not a voter.</summary>
    public int IndexOf(NodeId node) => Array.IndexOf(_voters, node);

    public bool IsVoter(NodeId node) => IndexOf(node) >= 0;

    /// <summary>The mask with this voter added; unchanged for a node that is not a voter.</summary>
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
