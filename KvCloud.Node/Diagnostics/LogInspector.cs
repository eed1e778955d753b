using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Node.Diagnostics;

/// <summary>Reads slots of this replica's log for /log: chosen ones, and those that are only accepted here.</summary>
internal sealed class LogInspector(IPaxosLog log, Func<ReplicaStatus> status) : IDisposable
{
    public const int DefaultSlots = 20;

    public const int MaxSlots = 200;

    /// <summary>Bytes of log that an answer is made of, unless a single slot is larger.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Further readers are answered OVERLOADED: each may cost <see cref="MaxBytes"/> of disk.</summary>
    private readonly SemaphoreSlim _readers = new(2);

    /// <summary>Null if others read already.</summary>
    /// <param name="from">The first slot; null for the newest ones.</param>
    /// <exception cref="LogCorruptException">A record is damaged, or its file is missing.</exception>
    /// <exception cref="LogUnreadableException">The operating system refused the read.</exception>
    public LogAnswer? Read(long? from, int limit)
    {
        if (!_readers.Wait(0))
        {
            return null;
        }

        try
        {
            // Slots that come meanwhile belong to the next answer.
            ReplicaStatus now = status();
            Slot last = log.LastSlot;
            List<LogEntry> entries = from is long first ? ReadOn(first, last, limit) : ReadBack(last, limit);
            return LogAnswer.Of(now, log.FirstSlot, last, entries);
        }
        finally
        {
            _readers.Release();
        }
    }

    public void Dispose() => _readers.Dispose();

    private List<LogEntry> ReadOn(long from, Slot last, int limit)
    {
        var first = Slot.Max(log.FirstSlot, new Slot(from));
        var to = Slot.Min(last, new Slot(first.Value + limit - 1));
        return to < first ? [] : [.. log.Read(first, to, MaxBytes)];
    }

    /// <summary>One after the other from the end, because how many bytes they have is not known before.</summary>
    private List<LogEntry> ReadBack(Slot last, int limit)
    {
        var entries = new List<LogEntry>();
        long bytes = 0;
        Slot first = log.FirstSlot;
        for (Slot slot = last; slot >= first && last.Value - slot.Value < limit && bytes < MaxBytes;
            slot = slot.Previous)
        {
            foreach (LogEntry entry in log.Read(slot, slot, MaxBytes))
            {
                entries.Add(entry);
                bytes += entry.Value.Payload.Length;
            }
        }

        entries.Reverse();
        return entries;
    }
}
