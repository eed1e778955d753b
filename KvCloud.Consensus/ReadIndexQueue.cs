namespace KvCloud.Consensus;

/// <summary>
/// Reads that wait for the leader to confirm its leadership (read index: Ongaro's thesis, 6.4, applied to Paxos). One
/// round confirms all reads that arrived before it began; later ones wait for the next. A read is bound to the slot
/// that was chosen when its round began, never to an older one.
/// </summary>
internal sealed class ReadIndexQueue
{
    private readonly List<Read> _waiting = [];
    private readonly List<Read> _inRound = [];
    private long _round;
    private Slot _slot;

    /// <summary>From: the requester, which is this node itself for its own reads.</summary>
    internal readonly record struct Read(NodeId From, long Id);

    public bool NeedsRound => _waiting.Count > 0 && _inRound.Count == 0;

    public void Add(NodeId from, long id) => _waiting.Add(new Read(from, id));

    public void Begin(long round, Slot chosenSlot)
    {
        Invariant.Check(_inRound.Count == 0, "a read round began inside another");
        _inRound.AddRange(_waiting);
        _waiting.Clear();
        _round = round;
        _slot = chosenSlot;
    }

    /// <summary>
    /// Moves the reads settled by the confirmed round to <paramref name="confirmed"/> and returns their slot.
    /// </summary>
    public Slot TakeConfirmed(long confirmedRound, List<Read> confirmed)
    {
        if (_inRound.Count > 0 && confirmedRound >= _round)
        {
            confirmed.AddRange(_inRound);
            _inRound.Clear();
        }

        return _slot;
    }

    /// <summary>The leader steps down: all waiting reads are unconfirmed.</summary>
    public void TakeAll(List<Read> failed)
    {
        failed.AddRange(_inRound);
        failed.AddRange(_waiting);
        _inRound.Clear();
        _waiting.Clear();
    }
}
