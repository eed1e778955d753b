using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// A replica's log on a simulated disk. One write at a time, all that waits in one atomic batch, in order. A crash loses
/// what is not durable; the write under way is lost or not, whole either way.
/// </summary>
internal sealed class SimLog(SimNode node, SimWorld world)
{
    private readonly SortedDictionary<long, LogEntry> _entries = [];
    private List<Effects> _waiting = [];
    private List<Effects> _writing = [];
    private Ballot _promisedBefore = Ballot.Zero;
    private Slot _syncedChosen;
    private bool _isBusy;
    private long _epoch;

    public Ballot Promised { get; private set; } = Ballot.Zero;

    public Slot ChosenSlot { get; private set; }

    public Slot FirstSlot { get; private set; } = new(1);

    /// <summary>Extra time for each write, while the disk is in trouble.</summary>
    public long SlowUs { get; set; }

    /// <summary>No write ends before this moment of the world.</summary>
    public long StalledUntilUs { get; set; }

    public void Write(Effects effects)
    {
        _waiting.Add(effects);
        if (!_isBusy)
        {
            Begin();
        }
    }

    public LogEntry? Find(Slot slot) => _entries.GetValueOrDefault(slot.Value);

    public List<LogEntry> Above(Slot slot) => [.. _entries.Values.Where(entry => entry.Slot > slot)];

    /// <summary>Consecutive entries from <paramref name="from"/> to <paramref name="to"/>, so many at most.</summary>
    public List<LogEntry> Read(Slot from, Slot to, int max)
    {
        var entries = new List<LogEntry>();
        for (Slot slot = from; slot <= to && entries.Count < max && Find(slot) is LogEntry entry; slot = slot.Next)
        {
            entries.Add(entry);
        }

        return entries;
    }

    public void TrimBelow(Slot slot)
    {
        while (_entries.Count > 0 && _entries.First().Key < slot.Value)
        {
            _entries.Remove(_entries.First().Key);
        }

        FirstSlot = Slot.Max(FirstSlot, slot);
    }

    public void Crash()
    {
        _epoch++;
        if (_isBusy && world.Random.Chance(500))
        {
            Apply(_writing);
        }

        if (world.Random.Chance(500))
        {
            ChosenSlot = _syncedChosen;
        }

        _waiting = [];
        _writing = [];
        _isBusy = false;
        if (world.Sabotage is Sabotage.DiskLosesSyncedWrites && _entries.Count > 0)
        {
            long last = _entries.Last().Key;
            _entries.Remove(last);
            ChosenSlot = Slot.Min(ChosenSlot, new Slot(last - 1));
        }

        if (world.Sabotage is Sabotage.DiskLosesPromise)
        {
            Promised = _entries.Values.Aggregate(
                _promisedBefore, (highest, entry) => Ballot.Max(highest, entry.Accepted));
        }

        if (world.Sabotage is Sabotage.DiskIsWiped && world.Random.Chance(300))
        {
            Wipe();
        }
    }

    /// <summary>Whether the disk holds a vote for the slot at this ballot or a higher one.</summary>
    public bool HasVote(Slot slot, Ballot ballot) => Find(slot) is LogEntry entry && entry.Accepted >= ballot;

    private void Wipe()
    {
        _entries.Clear();
        Promised = Ballot.Zero;
        ChosenSlot = Slot.Zero;
        _syncedChosen = Slot.Zero;
        FirstSlot = new Slot(1);
        node.Store.Wipe();
    }

    private void Begin()
    {
        (_writing, _waiting) = (_waiting, _writing);
        _waiting.Clear();
        _isBusy = true;
        bool mustSync = _writing.Exists(effects => effects.MustSync);
        bool writes = _writing.Exists(effects => effects.HasLogWrite);
        long delay = !writes ? 1 : !mustSync ? 20 : 100 + world.Random.Next(world.Profile.SyncMaxUs - 100) + SlowUs;
        long end = mustSync ? Math.Max(world.NowUs + delay, StalledUntilUs) : world.NowUs + delay;
        long epoch = _epoch;
        world.After(end - world.NowUs, () =>
        {
            if (epoch == _epoch)
            {
                End();
            }
        });
    }

    private void End()
    {
        List<Effects> written = _writing;
        Apply(written);
        _writing = [];
        _isBusy = false;
        foreach (Effects effects in written)
        {
            node.Persisted(effects.SendAfterPersist);
        }

        if (_waiting.Count > 0)
        {
            Begin();
        }
    }

    private void Apply(List<Effects> written)
    {
        foreach (Effects effects in written)
        {
            if (effects.Promised is Ballot promised)
            {
                _promisedBefore = Promised;
                Promised = promised;
            }

            foreach (LogEntry entry in effects.Append)
            {
                _entries[entry.Slot.Value] = entry;
            }

            ChosenSlot = effects.ChosenSlot ?? ChosenSlot;
        }

        if (written.Exists(effects => effects.MustSync))
        {
            _syncedChosen = ChosenSlot;
        }
    }
}
