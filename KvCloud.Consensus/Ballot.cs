namespace KvCloud.Consensus;

/// <summary>
/// A ballot number: ordered by round, then by the node that owns it, so no two nodes ever share one
/// (Lamport, "Paxos Made Simple", section 2.2). A node never uses one of its ballots twice: it persists the promise
/// to its own ballot before it sends the Prepare.
/// </summary>
public readonly record struct Ballot(long Round, NodeId Node) : IComparable<Ballot>
{
    /// <summary>Lower than every ballot in use.</summary>
    public static readonly Ballot Zero = new(0, new NodeId(-1));

    public bool IsZero => Round == 0;

    /// <inheritdoc/>
    public int CompareTo(Ballot other)
    {
        int byRound = Round.CompareTo(other.Round);
        return byRound != 0 ? byRound : Node.CompareTo(other.Node);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Round}.{Node.Value}";

    public static Ballot Max(Ballot left, Ballot right) => left >= right ? left : right;

    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;
    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;
    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;
}
