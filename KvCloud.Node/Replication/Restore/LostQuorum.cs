using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// The survivors of a group that lost its quorum for good, and what a new group can begin with: everything that any
/// survivor knows to be chosen and, for each slot above, the value that a survivor accepted at the highest ballot. That
/// value may have been chosen; of the values that survivors know it is the only one that can have been.
/// </summary>
/// <remarks>
/// This is not consensus: what the lost majority chose beyond it is lost, and nobody can know how much that is. So it
/// never happens automatically.
/// </remarks>
internal sealed class LostQuorum
{
    /// <exception cref="RestoreRefusedException">They are not of one group, or are a quorum of it.</exception>
    public LostQuorum(IReadOnlyList<Survivor> survivors)
    {
        Survivors = [.. survivors.OrderBy(survivor => survivor.Identity.NodeId)];
        CheckOneGroup();
        Members = Survivors.MaxBy(survivor => survivor.Members.Slot)!.Members;
        MissingVoters =
        [
            .. Members.Members.Where(member => (member.IsVoter || member.IsOutgoing)
                && !Survivors.Any(survivor => survivor.Identity.NodeId == member.Id.Value))
                .Select(member => member.Id),
        ];
        CheckNoQuorum();
        Base = Survivors.MaxBy(survivor => survivor.Applied.Slot)!;
        CheckSameState();
        Decide();
    }

    public IReadOnlyList<Survivor> Survivors { get; }

    /// <summary>The newest members that a survivor knows.</summary>
    public GroupMembers Members { get; }

    public IReadOnlyList<NodeId> MissingVoters { get; }

    /// <summary>The survivor with the highest applied slot: its data are taken.</summary>
    public Survivor Base { get; }

    /// <summary>The slots above the base's applied slot that a recovery decides, consecutive.</summary>
    public IReadOnlyList<LogEntry> Decided { get; private set; } = [];

    /// <summary>Slots among them that no survivor has: a recovery fills them with no-ops.</summary>
    public IReadOnlyList<Slot> Holes { get; private set; } = [];

    private void CheckOneGroup()
    {
        foreach (Survivor other in Survivors.Skip(1))
        {
            if (other.Identity.ClusterId != Survivors[0].Identity.ClusterId)
            {
                throw new RestoreRefusedException(
                    RestoreFlaw.Request,
                    $"{other.Path} belongs to cluster '{other.Identity.ClusterId}', but {Survivors[0].Path} to"
                    + $" '{Survivors[0].Identity.ClusterId}': name the survivors of one cluster");
            }
        }

        if (Survivors.Select(survivor => survivor.Identity.NodeId).Distinct().Count() != Survivors.Count)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request, "two of the directories belong to the same node: name one directory for each");
        }
    }

    private void CheckNoQuorum()
    {
        if (HasQuorumOf(member => member.IsVoter) && (!Members.IsJoint || HasQuorumOf(member => member.IsOutgoing)))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                "these replicas are a quorum of the voters, so no recovery is needed: start them");
        }
    }

    private bool HasQuorumOf(Func<GroupMember, bool> counts)
    {
        NodeId[] voters = [.. Members.Members.Where(counts).Select(member => member.Id)];
        return voters.Except(MissingVoters).Count() > voters.Length / 2;
    }

    private void CheckSameState()
    {
        foreach (Survivor other in Survivors.Where(other => other.Applied.Slot == Base.Applied.Slot))
        {
            if (other.Applied != Base.Applied)
            {
                throw new RestoreRefusedException(
                    RestoreFlaw.Backup,
                    $"{other.Path} and {Base.Path} have different states at slot {Base.Applied.Slot}: leave one of"
                    + " them out");
            }
        }
    }

    private void Decide()
    {
        var best = new SortedDictionary<long, LogEntry>();
        foreach (LogEntry entry in Survivors.SelectMany(survivor => survivor.Open))
        {
            if (entry.Slot > Base.Applied.Slot
                && (!best.TryGetValue(entry.Slot.Value, out LogEntry? other) || entry.Accepted > other.Accepted))
            {
                best[entry.Slot.Value] = entry;
            }
        }

        var decided = new List<LogEntry>();
        var holes = new List<Slot>();
        foreach (LogEntry entry in best.Values)
        {
            Slot next = decided.Count == 0 ? Base.Applied.Slot.Next : decided[^1].Slot.Next;
            for (; next < entry.Slot; next = next.Next)
            {
                holes.Add(next);
                decided.Add(new LogEntry(next, Ballot.Zero, Value.NoOp(Ballot.Zero)));
            }

            decided.Add(entry);
        }

        Decided = decided;
        Holes = holes;
    }
}
