namespace KvCloud.Consensus;

/// <summary>Tracks which slots of the log are still needed, by this node and by the others.</summary>
internal sealed class LogRetention
{
    private Slot _syncedChosen;

    /// <summary>Every slot up to here is durable in the caller's data store.</summary>
    public Slot DurableSlot { get; set; }

    /// <summary>The lowest slot that the caller's log still has.</summary>
    public Slot FirstAvailable { get; set; }

    /// <summary>No member needs anything up to here.</summary>
    public Slot TrimSlot { get; private set; }

    /// <summary>
    /// This node needs no slot up to here from its peers: after any crash its data store has them, and its log knows
    /// them to be chosen. A slot that only the data store has would have to be learned again, which is impossible once
    /// every peer has trimmed it. After a start nothing counts until a write is synced, because what was read may exist
    /// only in the page cache left by a process that died.
    /// </summary>
    public Slot NotNeededUpTo => Slot.Min(DurableSlot, _syncedChosen);

    public void NoteSynced(Slot chosen) => _syncedChosen = Slot.Max(_syncedChosen, chosen);

    public void NoteNotNeeded(Slot upTo) => TrimSlot = Slot.Max(TrimSlot, upTo);

    /// <summary>
    /// Whether the core wants to be told once the log has synced that everything up to the slot is chosen.
    /// </summary>
    public bool WaitsForSync(Slot chosen) => DurableSlot > _syncedChosen && chosen > _syncedChosen;
}
