using System.Runtime.InteropServices;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class ConsensusCodecTests
{
    private const int LimitBytes = 1024 * 1024;

    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    [Fact]
    public void Decode_every_message_type_many_times_gives_what_was_encoded()
    {
        var random = new Random(20_240_601);
        var seen = new HashSet<Type>();
        for (int i = 0; i < 200 * SampleMessages.Types; i++)
        {
            Message message = SampleMessages.Draw(random, i, One, Two);
            seen.Add(message.GetType());

            byte[] frame = SampleMessages.Encode(message);
            Assert.Equal(frame.Length, Frame.SizeOf(frame, ConsensusCodec.Version, LimitBytes));
            Message decoded = ConsensusCodec.DecodeMessage(frame);

            Assert.Equal(message.GetType(), decoded.GetType());
            Assert.Equal(SampleMessages.Describe(message), SampleMessages.Describe(decoded));
        }

        // What is internal to the core a node says to itself alone.
        Type[] all =
        [
            .. typeof(Message).Assembly.GetExportedTypes().Concat(typeof(ConsensusCodec).Assembly.GetTypes())
                .Where(type => type.IsSubclassOf(typeof(Message))),
        ];
        Assert.Equal(all.Select(type => type.Name).Order(), seen.Select(type => type.Name).Order());
    }

    [Fact]
    public void Decode_report_gives_what_was_encoded()
    {
        var random = new Random(7);
        for (int i = 0; i < 200; i++)
        {
            PeerReport report = SampleMessages.DrawReport(random, Two);
            Assert.Equal(report, ConsensusCodec.DecodeReport(SampleMessages.Encode(report)));
        }
    }

    [Fact]
    public void Encode_heartbeat_keeps_its_bytes()
    {
        // The wire format of version 3, its checksum computed by another program (xxhsum -H3). Whoever changes it
        // raises the version, and goes on to write this one for a replica that speaks no newer.
        var heartbeat = new Heartbeat(One, Two, new Ballot(3, One), 4, new Slot(5), new Slot(6), new Slot(7));
        string[] fields = ["C5030800", "34000000", "01000000", "02000000", "0300000000000000", "01000000",
            "0400000000000000", "0500000000000000", "0600000000000000", "0700000000000000",
            "53BF552A5430CB78"];
        byte[] frame = new byte[ConsensusCodec.SizeOf(heartbeat)];
        ConsensusCodec.Encode(heartbeat, frame, ConsensusCodec.OldestVersion);
        Assert.Equal(string.Concat(fields), Convert.ToHexString(frame));
    }

    [Fact]
    public void Decode_payloads_are_slices_of_one_array_that_is_not_the_frame()
    {
        byte[] frame = SampleMessages.Encode(SampleMessages.AcceptOf(One, Two, slot: 1, payloadBytes: 100, entries: 3));
        var decoded = (Accept)ConsensusCodec.DecodeMessage(frame);

        byte[][] arrays = [.. decoded.Entries.Select(ArrayOf).Distinct()];
        Assert.Single(arrays);
        Assert.NotSame(frame, arrays[0]);
    }

    [Fact]
    public void SizeOf_length_above_limit_names_both()
    {
        byte[] frame = SampleMessages.Encode(new ReadIndexRequest(One, Two, 1));
        frame[7] = 0x7F;
        MalformedFrameException error = Assert.Throws<MalformedFrameException>(
            () => Frame.SizeOf(frame, ConsensusCodec.Version, LimitBytes));
        Assert.Contains("larger than the limit of 1048576", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0x80, "begins with C5, not 80")]
    [InlineData(1, 9, "version 9, expected 5")]
    public void SizeOf_foreign_header_names_what_is_wrong(int position, byte value, string expected)
    {
        byte[] frame = SampleMessages.Encode(new ReadIndexRequest(One, Two, 1));
        frame[position] = value;

        // Already the wrong byte is refused: nobody waits for the rest of a header that cannot be ours.
        MalformedFrameException error = Assert.Throws<MalformedFrameException>(
            () => Frame.SizeOf(frame.AsSpan(0, position + 1), ConsensusCodec.Version, LimitBytes));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_unknown_type_is_named()
    {
        byte[] frame = SampleMessages.Encode(new ReadIndexRequest(One, Two, 1));
        Frame.Seal(frame, (FrameType)99, ConsensusCodec.Version);
        MalformedFrameException error = Assert.Throws<MalformedFrameException>(
            () => ConsensusCodec.DecodeMessage(frame));
        Assert.Contains("frame type 99 is not known", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_wrong_checksum_is_named()
    {
        byte[] frame = SampleMessages.Encode(new ReadIndexRequest(One, Two, 1));
        frame[^1] ^= 1;
        MalformedFrameException error = Assert.Throws<MalformedFrameException>(
            () => ConsensusCodec.DecodeMessage(frame));
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_count_beyond_the_bytes_allocates_nothing_for_it()
    {
        byte[] frame = SampleMessages.Encode(new Accepted(One, Two, Ballot.Zero, [new Slot(1)]));
        int count = Frame.HeaderBytes + 8 + 12;
        BitConverter.GetBytes(int.MaxValue).CopyTo(frame, count);
        Frame.Seal(frame, FrameType.Accepted, ConsensusCodec.Version);

        long before = GC.GetAllocatedBytesForCurrentThread();
        MalformedFrameException error = Assert.Throws<MalformedFrameException>(
            () => ConsensusCodec.DecodeMessage(frame));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
        Assert.Contains("2147483647", error.Message, StringComparison.Ordinal);
    }

    private static byte[] ArrayOf(LogEntry entry)
    {
        Assert.True(MemoryMarshal.TryGetArray(entry.Value.Payload, out ArraySegment<byte> segment));
        return segment.Array!;
    }
}
