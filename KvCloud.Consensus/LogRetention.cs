namespace KvCloud.Consensus;

/// <summary>For how long the log's slots are needed, by this node and by the others.</summary>
internal sealed class LogRetention
{
    private Slot _syncedChosen;

    /// <summary>What the caller's data store has durably.</summary>
    public Slot DurableSlot { get; set; }

    /// <summary>No member needs anything up to here.</summary>
    public Slot TrimSlot { get; private set; }

    /// <summary>
    /// After any crash this node has everything up to here in its data, and its log knows it to be chosen: it needs
    /// these slots from nobody. What only the data has it would have to learn again, and could not if all had trimmed
    /// it. After a start nothing counts before a write is synced: what was read may be the page cache of a process that
    /// died.
    /// </summary>
    public Slot NotNeededUpTo => Slot.Min(DurableSlot, _syncedChosen);

    public void NoteSynced(Slot chosen) => _syncedChosen = Slot.Max(_syncedChosen, chosen);

    public void NoteNotNeeded(Slot upTo) => TrimSlot = Slot.Max(TrimSlot, upTo);

    /// <summary>Whether it helps to hear when the log has synced that everything up to the slot is chosen.</summary>
    public bool WaitsForSync(Slot chosen) => DurableSlot > _syncedChosen && chosen > _syncedChosen;
}
