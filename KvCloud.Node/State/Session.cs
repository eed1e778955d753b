namespace KvCloud.Node.State;

/// <summary>
/// A client's session: which of its requests have been answered. Remembers a window of sequences from
/// <see cref="Floor"/> on, one bit each; the answers are in the store.
/// </summary>
/// <param name="answers">How many sequences the window holds.</param>
internal sealed class Session(long id, int answers)
{
    private readonly ulong[] _answered = new ulong[(answers + 63) / 64];

    public long Id { get; } = id;

    /// <summary>Everything below this is forgotten.</summary>
    public long Floor { get; private set; } = 1;

    /// <summary>The position of this session's last use in the count of all uses of sessions.</summary>
    public long LastUse { get; set; }

    /// <summary>Whether it changed since it was last written.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Its node in the list of sessions by last use.</summary>
    public LinkedListNode<Session>? Node { get; set; }

    public bool IsAnswered(long sequence) =>
        sequence >= Floor
        && sequence < Floor + answers
        && (_answered[WordOf(sequence)] & BitOf(sequence)) != 0;

    public void MarkAnswered(long sequence) => _answered[WordOf(sequence)] |= BitOf(sequence);

    /// <summary>Raises the floor by one. Returns whether the sequence that falls below it had been answered.</summary>
    public bool ForgetLowest()
    {
        long lowest = Floor;
        bool wasAnswered = IsAnswered(lowest);
        _answered[WordOf(lowest)] &= ~BitOf(lowest);
        Floor++;
        return wasAnswered;
    }

    /// <summary>Raises the floor at once; nothing below the new floor may be answered.</summary>
    public void SkipTo(long floor) => Floor = Math.Max(Floor, floor);

    public void Restore(long floor, long lastUse)
    {
        Floor = floor;
        LastUse = lastUse;
    }

    private int WordOf(long sequence) => (int)(sequence % answers) / 64;

    private ulong BitOf(long sequence) => 1UL << ((int)(sequence % answers) % 64);
}
