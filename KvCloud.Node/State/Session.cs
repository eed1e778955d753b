namespace KvCloud.Node.State;

/// <summary>
/// A client's session: which of its requests were answered. It remembers a window of
/// sequences from <see cref="Floor"/> on, one bit each; the answers are in the store.
/// </summary>
/// <param name="answers">How many sequences the window holds.</param>
internal sealed class Session(long id, int answers)
{
    private readonly ulong[] _answered = new ulong[(answers + 63) / 64];

    public long Id { get; } = id;

    /// <summary>Below this everything is forgotten.</summary>
    public long Floor { get; private set; } = 1;

    /// <summary>Number of the last use of any session that was of this one.</summary>
    public long LastUse { get; set; }

    /// <summary>Changed since it was last written.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Its place among all sessions in the order of last use.</summary>
    public LinkedListNode<Session>? Node { get; set; }

    public bool IsAnswered(long sequence) =>
        sequence >= Floor
        && sequence < Floor + answers
        && (_answered[WordOf(sequence)] & BitOf(sequence)) != 0;

    public void MarkAnswered(long sequence) => _answered[WordOf(sequence)] |= BitOf(sequence);

    /// <summary>Moves the floor up by one. Says whether the sequence that falls below it had been answered.</summary>
    public bool ForgetLowest()
    {
        long lowest = Floor;
        bool wasAnswered = IsAnswered(lowest);
        _answered[WordOf(lowest)] &= ~BitOf(lowest);
        Floor++;
        return wasAnswered;
    }

    /// <summary>Moves the floor up at once, when nothing below the new one is answered any more.</summary>
    public void SkipTo(long floor) => Floor = Math.Max(Floor, floor);

    public void Restore(long floor, long lastUse)
    {
        Floor = floor;
        LastUse = lastUse;
    }

    private int WordOf(long sequence) => (int)(sequence % answers) / 64;

    private ulong BitOf(long sequence) => 1UL << ((int)(sequence % answers) % 64);
}
