using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The result of a read: the last entry written for each slot, up to a limit of bytes. Groups arrive in the order of
/// writing, which is nearly the order of slots.
/// </summary>
internal sealed class ReadWindow(long first, long last, int maxBytes)
{
    private readonly SortedList<long, LogEntry> _entries = [];
    private long _bytes;

    /// <summary>The last slot that still fits; higher ones are skipped.</summary>
    public long Last { get; private set; } = last;

    public IReadOnlyList<LogEntry> Entries => [.. _entries.Values];

    public void TakeGroup(ReadOnlyMemory<byte> group)
    {
        ReadOnlySpan<byte> body = group.Span;
        while (body.Length > 0)
        {
            GroupRecord record = GroupBody.TakeRecord(ref body);
            if (record.Kind == RecordKind.Entry && record.Slot.Value >= first && record.Slot.Value <= Last)
            {
                Take(LogRecord.Read(record.Slot, record.Entry));
            }
        }
    }

    private void Take(LogEntry entry)
    {
        if (_entries.TryGetValue(entry.Slot.Value, out LogEntry? older))
        {
            _bytes -= LogRecord.SizeOf(older);
        }

        _entries[entry.Slot.Value] = entry;
        _bytes += LogRecord.SizeOf(entry);
        while (_bytes > maxBytes && _entries.Count > 1)
        {
            LogEntry dropped = _entries.GetValueAtIndex(_entries.Count - 1);
            _bytes -= LogRecord.SizeOf(dropped);
            _entries.RemoveAt(_entries.Count - 1);
            Last = dropped.Slot.Value - 1;
        }
    }
}
