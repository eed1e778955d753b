using System.Text;
using KvCloud.Consensus;

namespace KvCloud.Tests.Node.Replication.Log;

/// <summary>Effects and entries as tests write them, and what they look like when they are read.</summary>
internal static class LogEntries
{
    public static Effects Effects(Ballot? promised, long chosen, params IEnumerable<LogEntry> entries)
    {
        var effects = new Effects { Promised = promised, ChosenSlot = chosen == 0 ? null : new Slot(chosen) };
        effects.Append.AddRange(entries);
        return effects;
    }

    public static LogEntry Entry(long slot, string payload) => Entry(slot, Encoding.UTF8.GetBytes(payload));

    public static LogEntry Entry(long slot, byte[] payload) => new(
        new Slot(slot),
        new Ballot(3, new NodeId(1)),
        new Value(new Ballot(2, new NodeId(0)), ValueKind.Commands, payload));

    public static byte[] RandomBytes(int seed, int count)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static string Describe(IEnumerable<LogEntry> entries) => string.Join(
        ' ', entries.Select(entry => $"{entry.Slot}:{Encoding.UTF8.GetString(entry.Value.Payload.Span)}"));
}
