using System.Numerics;

namespace KvCloud.Consensus;

/// <summary>
/// The members of a group as one of its nodes counts them: who they are, and what a quorum is. A set of members is a
/// bit mask in the order of their ids, of these members and no others.
/// </summary>
/// <remarks>
/// Immutable. A change of members replaces this object as a whole, in all that counts by it, in one step.
/// </remarks>
internal sealed class Membership
{
    private readonly NodeId[] _nodes;
    private readonly uint _voters;
    private readonly uint _outgoing;

    public Membership(NodeId self, GroupMembers group)
    {
        Self = self;
        Group = group;
        _nodes = [.. group.Members.Select(member => member.Id)];
        for (int i = 0; i < _nodes.Length; i++)
        {
            _voters |= group.Members[i].IsVoter ? 1u << i : 0;
            _outgoing |= group.Members[i].IsOutgoing ? 1u << i : 0;
        }

        Others = [.. _nodes.Where(node => node != self)];
        OtherVoters = [.. Others.Where(IsVoter)];
        IsJoint = _outgoing != 0;
        IsAlone = IsQuorum(Add(0, self));
    }

    public NodeId Self { get; }

    public GroupMembers Group { get; }

    /// <summary>These members govern the slots above it.</summary>
    public Slot Slot => Group.Slot;

    public int Count => _nodes.Length;

    /// <summary>All members but this node, with those that have no vote.</summary>
    public IReadOnlyList<NodeId> Others { get; }

    /// <summary>All but this node that vote, by the rule of before or of after a change.</summary>
    public IReadOnlyList<NodeId> OtherVoters { get; }

    public bool IsJoint { get; }

    /// <summary>Whether this node is a quorum by itself.</summary>
    public bool IsAlone { get; }

    /// <summary>Position among the members; -1 for another node.</summary>
    public int IndexOf(NodeId node) => Array.IndexOf(_nodes, node);

    /// <summary>Whether it votes, by the rule of before or of after a change.</summary>
    public bool IsVoter(NodeId node) => Contains(_voters | _outgoing, node);

    /// <summary>The mask with this member added; another node adds nothing.</summary>
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

    /// <summary>
    /// A majority of the voters and, while a change is under way, also one of the voters of before. Who has no vote
    /// counts for nothing.
    /// </summary>
    public bool IsQuorum(uint mask) =>
        BitOperations.PopCount(mask & _voters) >= Majority(_voters)
        && (_outgoing == 0 || BitOperations.PopCount(mask & _outgoing) >= Majority(_outgoing));

    /// <summary>The highest number that a quorum has reached, of what each member has.</summary>
    public long ReachedByQuorum(ReadOnlySpan<long> reached)
    {
        long after = ReachedByMajority(_voters, reached);
        return _outgoing == 0 ? after : Math.Min(after, ReachedByMajority(_outgoing, reached));
    }

    /// <summary>More than half; of nobody never.</summary>
    private static int Majority(uint set) => (BitOperations.PopCount(set) / 2) + 1;

    private static long ReachedByMajority(uint set, ReadOnlySpan<long> reached)
    {
        Span<long> sorted = stackalloc long[GroupMembers.MaxMembers];
        int count = 0;
        for (uint left = set; left != 0; left &= left - 1)
        {
            sorted[count++] = reached[BitOperations.TrailingZeroCount(left)];
        }

        if (count == 0)
        {
            return 0;
        }

        sorted[..count].Sort();
        return sorted[count - Majority(set)];
    }
}
