using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// What is left of a group that lost its quorum for good, and what a new group can begin with: all that any survivor
/// knows to be chosen, and above it, slot by slot, the value that a survivor accepted at the highest ballot. That may
/// have been chosen, and no other can have been that a survivor knows of.
/// </summary>
/// <remarks>
/// This is no consensus: what the lost majority chose beyond it is gone, and nobody can say how much that is. So it is
/// never done by itself.
/// </remarks>
internal sealed class LostQuorum
{
    /// <exception cref="RestoreRefusedException">They are no survivors of one group, or a quorum of it.</exception>
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

    /// <summary>As the survivor that knows the newest change knows them.</summary>
    public GroupMembers Members { get; }

    public IReadOnlyList<NodeId> MissingVoters { get; }

    /// <summary>Knows the most to be chosen: its data is taken.</summary>
    public Survivor Base { get; }

    /// <summary>What becomes decided by a recovery: one slot after the other above what the base has applied.</summary>
    public IReadOnlyList<LogEntry> Decided { get; private set; } = [];

    /// <summary>Slots in between that no survivor has: they hold nothing afterwards, whatever was there.</summary>
    public IReadOnlyList<Slot> Holes { get; private set; } = [];

    private void CheckOneGroup()
    {
        foreach (Survivor other in Survivors.Skip(1))
        {
            if (other.Identity.ClusterId != Survivors[0].Identity.ClusterId)
            {
                throw new RestoreRefusedException(
                    RestoreFlaw.Request,
                    $"{other.Path} is of cluster '{other.Identity.ClusterId}', {Survivors[0].Path} of"
                    + $" '{Survivors[0].Identity.ClusterId}'");
            }
        }

        if (Survivors.Select(survivor => survivor.Identity.NodeId).Distinct().Count() != Survivors.Count)
        {
            throw new RestoreRefusedException(RestoreFlaw.Request, "two of the directories are of the same node");
        }
    }

    private void CheckNoQuorum()
    {
        if (HasQuorumOf(member => member.IsVoter) && (!Members.IsJoint || HasQuorumOf(member => member.IsOutgoing)))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                "these replicas are a quorum of the voters: start them, nothing needs to be given up");
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
                    $"{other.Path} and {Base.Path} have another state at the same slot {Base.Applied.Slot}: leave one"
                    + " of them out");
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
