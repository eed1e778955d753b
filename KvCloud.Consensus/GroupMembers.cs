using System.Buffers.Binary;

namespace KvCloud.Consensus;

/// <summary>
/// The roles of a member. A member with none of them is a learner: it receives every slot and has no vote.
/// </summary>
[Flags]
public enum MemberRoles : byte
{
    Learner = 0,

    /// <summary>Votes, and may lead.</summary>
    Voter = 1,

    /// <summary>A voter before the change under way: it counts for the old majority until the change ends.</summary>
    Outgoing = 2,

    /// <summary>Is removed by the change under way, and stays a member until the change ends.</summary>
    Leaving = 4,
}

/// <summary>
/// One member of a group. Its data, such as its addresses, is opaque to the core and has at most
/// <see cref="GroupMembers.MaxDataBytes"/> bytes.
/// </summary>
public sealed record GroupMember(NodeId Id, MemberRoles Roles, ReadOnlyMemory<byte> Data)
{
    public bool IsVoter => (Roles & MemberRoles.Voter) != 0;

    public bool IsOutgoing => (Roles & MemberRoles.Outgoing) != 0;

    public bool IsLeaving => (Roles & MemberRoles.Leaving) != 0;
}

/// <summary>
/// The members of a group, as one slot of the log sets them. They govern every slot above it, up to the next such slot.
/// A change of voters takes two such slots (joint consensus): in between, a quorum is a majority of the old voters and
/// a majority of the new ones.
/// </summary>
public sealed class GroupMembers
{
    /// <summary>Limit of members at one time: a set of them is a bit mask in a uint.</summary>
    public const int MaxMembers = 32;

    public const int MaxVoters = 7;

    public const int MaxDataBytes = 2048;

    /// <summary>Limit of the ids that a group remembers: removed ones, which never return, and present ones.</summary>
    public const int MaxRemoved = 4096;

    private const byte FormatVersion = 1;

    private GroupMembers(Slot slot, IReadOnlyList<GroupMember> members, IReadOnlyList<NodeId> removed)
    {
        Slot = slot;
        Members = members;
        Removed = removed;
    }

    /// <summary>The members that a joining node knows before it is added: none, itself not included.</summary>
    public static GroupMembers None { get; } = new(Slot.Zero, [], []);

    /// <summary>The slot that set these members; Zero for the initial ones.</summary>
    public Slot Slot { get; }

    /// <summary>In ascending order of ids.</summary>
    public IReadOnlyList<GroupMember> Members { get; }

    /// <summary>Ids of removed members, ascending. They are never used again.</summary>
    public IReadOnlyList<NodeId> Removed { get; }

    /// <summary>Whether a change of voters is under way (the joint configuration).</summary>
    public bool IsJoint => Members.Any(member => member.IsOutgoing);

    /// <summary>The initial voters of a group, from the configuration of its nodes.</summary>
    public static GroupMembers Initial(IEnumerable<NodeId> voters) =>
        new(Slot.Zero, [.. voters.Order().Select(id => new GroupMember(id, MemberRoles.Voter, default))], []);

    public GroupMember? Find(NodeId id) => Members.FirstOrDefault(member => member.Id == id);

    /// <summary>Why the group cannot be changed to these members; null if it can.</summary>
    /// <param name="target">All members after the change, voters and learners.</param>
    public string? FindFlaw(IReadOnlyList<GroupMember> target)
    {
        if (IsJoint)
        {
            return "another change of members is under way";
        }

        if (target.Any(member => member.IsOutgoing || member.IsLeaving))
        {
            return "a target member can only be a voter or a learner";
        }

        NodeId[] ids = [.. target.Select(member => member.Id)];
        int voters = target.Count(member => member.IsVoter);
        int all = ids.Union(Members.Select(member => member.Id)).Count();
        NodeId[] returning = [.. ids.Intersect(Removed)];
        return ids.Distinct().Count() != ids.Length ? "a member is named twice"
            : ids.Any(id => id.Value < 0) ? "an id is negative"
            : voters is < 1 or > MaxVoters ? $"a group has 1 to {MaxVoters} voters, not {voters}"
            : all > MaxMembers ? $"a group has at most {MaxMembers} members"
            : returning.Length > 0 ? $"{returning[0]} was removed: its id never returns"
            : Removed.Count + Members.Count > MaxRemoved
                ? $"{Removed.Count + Members.Count} ids are or were members, and a group remembers {MaxRemoved}"
            : target.Any(member => member.Data.Length > MaxDataBytes)
                ? $"a member's data has at most {MaxDataBytes} bytes"
            : null;
    }

    /// <summary>
    /// The first step from these members to the target: the target itself if the voters stay the same, otherwise the
    /// joint configuration, in which old and new voters count. Its slot is not set yet.
    /// </summary>
    public GroupMembers StepTo(IReadOnlyList<GroupMember> target)
    {
        string? flaw = FindFlaw(target);
        Invariant.Check(flaw is null, $"an invalid change of members: {flaw}");
        bool isSameVoters = VotersOf(Members).SequenceEqual(VotersOf(target));
        var next = new SortedDictionary<NodeId, GroupMember>(target.ToDictionary(member => member.Id));
        var removed = new SortedSet<NodeId>(Removed);
        foreach (GroupMember member in Members)
        {
            bool stays = next.TryGetValue(member.Id, out GroupMember? after);
            if (member.IsVoter && !isSameVoters)
            {
                next[member.Id] = stays
                    ? after! with { Roles = after.Roles | MemberRoles.Outgoing }
                    : member with { Roles = MemberRoles.Outgoing | MemberRoles.Leaving };
            }
            else if (!stays)
            {
                removed.Add(member.Id);
            }
        }

        return new GroupMembers(Slot.Zero, [.. next.Values], [.. removed]);
    }

    /// <summary>The second step: the new voters alone. Its slot is not set yet.</summary>
    public GroupMembers AfterJoint() => new(
        Slot.Zero,
        [.. Members
            .Where(member => !member.IsLeaving)
            .Select(member => member with { Roles = member.Roles & MemberRoles.Voter })],
        [.. Removed.Concat(Members.Where(member => member.IsLeaving).Select(member => member.Id)).Order()]);

    /// <summary>
    /// The value of a slot: format(1) members(1) {id(4) roles(1) length(2) data} removed(2) {id(4)}. Little-endian.
    /// </summary>
    public byte[] Encode()
    {
        byte[] payload = new byte[
            2 + Members.Sum(member => 7 + member.Data.Length) + 2 + (Removed.Count * sizeof(int))];
        Span<byte> rest = payload;
        rest[0] = FormatVersion;
        rest[1] = (byte)Members.Count;
        rest = rest[2..];
        foreach (GroupMember member in Members)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, member.Id.Value);
            rest[4] = (byte)member.Roles;
            BinaryPrimitives.WriteUInt16LittleEndian(rest[5..], (ushort)member.Data.Length);
            member.Data.Span.CopyTo(rest[7..]);
            rest = rest[(7 + member.Data.Length)..];
        }

        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)Removed.Count);
        for (int i = 0; i < Removed.Count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest[(2 + (i * sizeof(int)))..], Removed[i].Value);
        }

        return payload;
    }

    /// <exception cref="InvariantViolationException">The payload was not made by <see cref="Encode"/>.</exception>
    public static GroupMembers Decode(Slot slot, ReadOnlySpan<byte> payload)
    {
        Invariant.Check(
            payload.Length >= 4 && payload[0] == FormatVersion,
            $"slot {slot} holds members in format {(payload.Length > 0 ? payload[0] : 0)}; this program knows"
            + $" {FormatVersion}");
        try
        {
            var members = new GroupMember[payload[1]];
            ReadOnlySpan<byte> rest = payload[2..];
            for (int i = 0; i < members.Length; i++)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(rest[5..]);
                members[i] = new GroupMember(
                    new NodeId(BinaryPrimitives.ReadInt32LittleEndian(rest)),
                    (MemberRoles)rest[4],
                    rest.Slice(7, length).ToArray());
                rest = rest[(7 + length)..];
            }

            var removed = new NodeId[BinaryPrimitives.ReadUInt16LittleEndian(rest)];
            for (int i = 0; i < removed.Length; i++)
            {
                removed[i] = new NodeId(BinaryPrimitives.ReadInt32LittleEndian(rest[(2 + (i * sizeof(int)))..]));
            }

            return new GroupMembers(slot, members, removed);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new InvariantViolationException($"slot {slot} holds members that are cut short");
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Slot}: {string.Join(' ', Members.Select(Describe))}";

    private static IEnumerable<NodeId> VotersOf(IEnumerable<GroupMember> members) =>
        members.Where(member => member.IsVoter).Select(member => member.Id).Order();

    private static string Describe(GroupMember member) =>
        $"{member.Id.Value}{(member.IsVoter ? "+" : "")}{(member.IsOutgoing ? "-" : "")}";
}
