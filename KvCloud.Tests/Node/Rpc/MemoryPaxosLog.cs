using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>A log that is gone with its process: enough for replicas that are not restarted.</summary>
internal sealed class MemoryPaxosLog : IPaxosLog
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, LogEntry> _entries = [];

    public Ballot Promised { get; private set; } = Ballot.Zero;

    public Slot ChosenSlot { get; private set; } = Slot.Zero;

    public Slot FirstSlot { get; private set; } = new(1);

    public Slot LastSlot
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count == 0 ? FirstSlot.Previous : new Slot(_entries.Keys.Last());
            }
        }
    }

    /// <summary>Called with what is about to be written, on the thread that writes.</summary>
    public Action<IReadOnlyList<Effects>>? Writing { get; set; }

    public void Write(IReadOnlyList<Effects> writes)
    {
        Writing?.Invoke(writes);
        lock (_gate)
        {
            foreach (Effects effects in writes)
            {
                Promised = effects.Promised ?? Promised;
                ChosenSlot = effects.ChosenSlot ?? ChosenSlot;
                foreach (LogEntry entry in effects.Append)
                {
                    _entries[entry.Slot.Value] = entry;
                }
            }
        }
    }

    public IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes)
    {
        lock (_gate)
        {
            long bytes = 0;
            return
            [
                .. _entries.Values.Where(entry => entry.Slot >= from && entry.Slot <= to)
                    .TakeWhile(entry => (bytes += entry.Value.Payload.Length) - entry.Value.Payload.Length < maxBytes)
                    .Take(1_000),
            ];
        }
    }

    public void Mark()
    {
    }

    public Slot FirstSlotWithin(long bytes) => FirstSlot;

    public long SealedBytes => 0;

    public int Check(ref LogPlace place) => 0;

    public void SkipTo(Slot chosen)
    {
        TrimBelow(chosen.Next);
        ChosenSlot = Slot.Max(ChosenSlot, chosen);
    }

    public void TrimBelow(Slot slot)
    {
        lock (_gate)
        {
            foreach (long trimmed in _entries.Keys.Where(held => held < slot.Value).ToList())
            {
                _entries.Remove(trimmed);
            }

            FirstSlot = Slot.Max(FirstSlot, slot);
        }
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
