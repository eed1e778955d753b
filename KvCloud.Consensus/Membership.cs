using System.Numerics;

namespace KvCloud.Consensus;

/// <summary>
/// The members of a group, prepared for counting quorums. A set of members is a bit mask in the order of their ids;
/// nodes that are not members have no bit.
/// </summary>
/// <remarks>
/// Immutable. A change of members replaces this object in every part that counts by it, in one step.
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

    /// <summary>The slot that set these members; they govern the slots above it.</summary>
    public Slot Slot => Group.Slot;

    public int Count => _nodes.Length;

    /// <summary>All other members, learners included.</summary>
    public IReadOnlyList<NodeId> Others { get; }

    /// <summary>All other voters, old or new ones during a change.</summary>
    public IReadOnlyList<NodeId> OtherVoters { get; }

    public bool IsJoint { get; }

    /// <summary>Whether this node is a quorum by itself.</summary>
    public bool IsAlone { get; }

    /// <summary>Position among the members; -1 if the node is not one.</summary>
    public int IndexOf(NodeId node) => Array.IndexOf(_nodes, node);

    /// <summary>Whether the node votes, as an old or a new voter during a change.</summary>
    public bool IsVoter(NodeId node) => Contains(_voters | _outgoing, node);

    /// <summary>The mask with this member added; unchanged if the node is not a member.</summary>
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
    /// Whether the mask has a majority of the voters and, during a change, also one of the old voters. Learners do not
    /// count.
    /// </summary>
    public bool IsQuorum(uint mask) =>
        BitOperations.PopCount(mask & _voters) >= Majority(_voters)
        && (_outgoing == 0 || BitOperations.PopCount(mask & _outgoing) >= Majority(_outgoing));

    /// <summary>The highest value that a quorum has reached, given what each member has reached.</summary>
    public long ReachedByQuorum(ReadOnlySpan<long> reached)
    {
        long after = ReachedByMajority(_voters, reached);
        return _outgoing == 0 ? after : Math.Min(after, ReachedByMajority(_outgoing, reached));
    }

    /// <summary>More than half; of an empty set 1, which it never reaches.</summary>
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
