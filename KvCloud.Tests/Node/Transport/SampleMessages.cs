using System.Diagnostics;
using System.Globalization;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>Messages drawn from a seed, and a text of them in which every field shows.</summary>
internal static class SampleMessages
{
    public const int Types = 19;

    public static Message Draw(Random random, int type, NodeId from, NodeId to) => (type % Types) switch
    {
        0 => new PreVote(from, to, DrawBallot(random), DrawSlot(random)),
        1 => new PreVoteReply(from, to, DrawBallot(random), random.Next(2) == 0, DrawBallot(random)),
        2 => new Prepare(from, to, DrawBallot(random), DrawSlot(random), DrawBallot(random)),
        3 => new Promise(
            from, to, DrawBallot(random), DrawSlot(random), DrawEntries(random), DrawSlot(random)),
        4 => new Accept(from, to, DrawBallot(random), DrawSlot(random), DrawEntries(random)),
        5 => new Accepted(from, to, DrawBallot(random), DrawSlots(random)),
        6 => new Refused(from, to, DrawBallot(random), DrawBallot(random)),
        7 => new Heartbeat(
            from, to, DrawBallot(random), random.NextInt64(), DrawSlot(random), DrawSlot(random), DrawSlot(random)),
        8 => new HeartbeatReply(
            from, to, DrawBallot(random), random.NextInt64(), DrawSlot(random), DrawSlot(random)),
        9 => new ReadIndexRequest(from, to, random.NextInt64()),
        10 => new ReadIndexReply(from, to, random.NextInt64(), random.Next(2) == 0, DrawSlot(random)),
        11 => new CatchUpRequest(from, to, DrawSlot(random)),
        12 => new Forward(
            from,
            to,
            random.NextInt64(),
            random.Next(),
            DrawBytes(random),
            random.Next(2) == 0 ? default : DrawTrace(random),
            random.Next(2) == 0 ? "" : $"user anna-{random.Next()}"),
        13 => new ForwardReply(from, to, random.NextInt64(), DrawBytes(random)),
        14 => new SlotTrace(from, to, DrawSlot(random), DrawBallot(random), DrawTrace(random)),
        15 => new SnapshotRequest(
            from,
            to,
            random.NextInt64(),
            DrawSlot(random),
            random.Next(5) - 1,
            random.NextInt64(),
            random.Next()),
        16 => new SnapshotReply(
            from,
            to,
            (SnapshotAnswer)random.Next(3),
            random.NextInt64(),
            random.Next(5) - 1,
            random.NextInt64(),
            random.NextInt64(),
            DrawBytes(random)),
        17 => new TimeoutNow(from, to, DrawBallot(random)),
        _ => new CatchUpReply(from, to, DrawSlot(random), DrawSlot(random), DrawEntries(random)),
    };

    public static PeerReport DrawReport(Random random, NodeId from) => new(
        from,
        (Role)random.Next(4),
        DrawBallot(random),
        DrawSlot(random),
        DrawSlot(random),
        random.NextInt64(),
        random.NextInt64(),
        DrawSlot(random),
        (ulong)random.NextInt64());

    public static Accept AcceptOf(NodeId from, NodeId to, long slot, int payloadBytes, int entries = 1)
    {
        byte[] payload = new byte[payloadBytes];
        new Random((int)slot).NextBytes(payload);
        var ballot = new Ballot(1, from);
        LogEntry[] list = [.. Enumerable.Range(0, entries).Select(
            i => new LogEntry(new Slot(slot + i), ballot, new Value(ballot, ValueKind.Commands, payload)))];
        return new Accept(from, to, ballot, Slot.Zero, list);
    }

    public static byte[] Encode(Message message)
    {
        byte[] frame = new byte[ConsensusCodec.SizeOf(message)];
        ConsensusCodec.Encode(message, frame);
        return frame;
    }

    public static byte[] Encode(PeerReport report)
    {
        byte[] frame = new byte[ConsensusCodec.SizeOf(report)];
        ConsensusCodec.Encode(report, frame);
        return frame;
    }

    public static string Describe(Message message)
    {
        var text = new StringBuilder();
        foreach (System.Reflection.PropertyInfo property in message.GetType().GetProperties().OrderBy(p => p.Name))
        {
            object? value = property.GetValue(message);
            string shown = value switch
            {
                IReadOnlyList<LogEntry> entries => string.Join(';', entries.Select(Describe)),
                ReadOnlyMemory<byte> bytes => Convert.ToHexString(bytes.Span),
                ActivityContext trace => $"{trace.TraceId}-{trace.SpanId}-{trace.TraceFlags}-{trace.IsRemote}",
                IReadOnlyList<Slot> slots => string.Join(';', slots),
                IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                _ => value?.ToString() ?? "null",
            };
            text.Append(CultureInfo.InvariantCulture, $"{property.Name}={shown} ");
        }

        return text.ToString();
    }

    private static string Describe(LogEntry entry) =>
        $"{entry.Slot}/{entry.Accepted}/{entry.Value}/{Convert.ToHexString(entry.Value.Payload.Span)}";

    private static Ballot DrawBallot(Random random) =>
        random.Next(8) == 0 ? Ballot.Zero : new Ballot(random.NextInt64(), new NodeId(random.Next(7)));

    private static Slot DrawSlot(Random random) => new(random.NextInt64());

    private static Slot[] DrawSlots(Random random) =>
        [.. Enumerable.Range(0, random.Next(6)).Select(_ => DrawSlot(random))];

    private static LogEntry[] DrawEntries(Random random) =>
        [.. Enumerable.Range(0, random.Next(5)).Select(_ => DrawEntry(random))];

    private static LogEntry DrawEntry(Random random) => new(
        DrawSlot(random),
        DrawBallot(random),
        new Value(DrawBallot(random), (ValueKind)random.Next(3), DrawBytes(random)));

    private static ActivityContext DrawTrace(Random random)
    {
        byte[] bytes = new byte[24];
        random.NextBytes(bytes);
        return new ActivityContext(
            ActivityTraceId.CreateFromBytes(bytes.AsSpan(0, 16)),
            ActivitySpanId.CreateFromBytes(bytes.AsSpan(16)),
            (ActivityTraceFlags)random.Next(256),
            isRemote: true);
    }

    private static byte[] DrawBytes(Random random)
    {
        byte[] bytes = new byte[random.Next(3) == 0 ? 0 : random.Next(200)];
        random.NextBytes(bytes);
        return bytes;
    }
}
