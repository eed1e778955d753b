using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;
using KvCloud.Tests.Node.Replication.Log;

namespace KvCloud.Tests.Node.Replication.Backup;

public sealed class LogBlockTests
{
    private static readonly LogBlock Block = new(
        "mine",
        new CommitVersion(42),
        [
            new LogEntry(new Slot(7), new Ballot(3, new NodeId(1)), Value.NoOp(new Ballot(2, new NodeId(2)))),
            LogEntries.Entry(8, Batch(1_000)),
            LogEntries.Entry(9, "no batch"),
            LogEntries.Entry(10, Batch(3_000)),
        ]);

    [Fact]
    public void Decode_of_what_was_encoded_is_the_same_block()
    {
        var read = LogBlock.Decode(Block.Encode());

        Assert.Equal(("mine", 42L), (read.ClusterId, read.AppliedVersion.Value));
        Assert.Equal((new Slot(7), new Slot(10)), (read.First, read.Last));
        Assert.Equal(
            Block.Entries.Select(entry => (entry.Slot, entry.Accepted, entry.Value.Origin, entry.Value.Kind)),
            read.Entries.Select(entry => (entry.Slot, entry.Accepted, entry.Value.Origin, entry.Value.Kind)));
        Assert.All(Block.Entries.Zip(read.Entries), pair => Assert.Equal(
            pair.First.Value.Payload.ToArray(), pair.Second.Value.Payload.ToArray()));
        Assert.Equal((1_000L, 3_000L), (read.FirstUnixMs, read.LastUnixMs));
    }

    [Fact]
    public void FirstUnixMs_of_a_block_without_writes_is_null() => Assert.Null(
        new LogBlock("mine", CommitVersion.Zero, [Block.Entries[0]]).FirstUnixMs);

    [Fact]
    public void Decode_any_changed_byte_or_missing_end_is_refused()
    {
        byte[] encoding = Block.Encode();
        for (int i = 0; i < encoding.Length; i++)
        {
            byte[] changed = [.. encoding];
            changed[i] ^= 0x10;
            Assert.Throws<InvalidDataException>(() => LogBlock.Decode(changed));
            Assert.Throws<InvalidDataException>(() => LogBlock.Decode(encoding.AsSpan(0, i)));
        }
    }

    private static byte[] Batch(long unixMs)
    {
        var writer = new CommandBatchWriter();
        writer.Add(CommandCodec.Encode(new OpenSessionCommand()));
        return writer.Build(unixMs, MvccRetention.Default);
    }
}
