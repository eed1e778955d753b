namespace KvCloud.Consensus;

/// <summary>What a slot's value is for.</summary>
public enum ValueKind : byte
{
    /// <summary>Fills a hole, or opens a leader's term. Changes nothing.</summary>
    NoOp = 0,

    /// <summary>A batch of commands for the state machine.</summary>
    Commands = 1,

    /// <summary>The group's members above this slot: see <see cref="GroupMembers"/>.</summary>
    Membership = 2,
}

/// <summary>
/// What is proposed for one slot. <see cref="Origin"/> is the ballot that first proposed it. A ballot proposes only one
/// value per slot, so (slot, origin) identifies the value however often later ballots adopt it. The payload must not
/// change once it is handed in; the garbage collector owns it.
/// </summary>
public sealed record Value(Ballot Origin, ValueKind Kind, ReadOnlyMemory<byte> Payload)
{
    public static Value NoOp(Ballot origin) => new(origin, ValueKind.NoOp, ReadOnlyMemory<byte>.Empty);

    /// <summary>Whether both are the same proposal for the same slot.</summary>
    public bool IsSameAs(Value other) =>
        Origin == other.Origin && Kind == other.Kind && Payload.Length == other.Payload.Length;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind}@{Origin}({Payload.Length} B)";
}

/// <summary>
/// A slot's value as an acceptor holds it. <see cref="Accepted"/> is the highest ballot at which it accepted the value.
/// </summary>
public sealed record LogEntry(Slot Slot, Ballot Accepted, Value Value);
