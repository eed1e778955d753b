using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replication.Log;

public sealed class GroupFrameTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(484, 1)]
    [InlineData(485, 2)]
    [InlineData(984, 2)]
    [InlineData(985, 3)]
    [InlineData(100_000, 201)]
    public void Read_group_of_any_size_is_read_as_it_was_written(int bodyBytes, int sectors)
    {
        byte[] body = RandomBytes(bodyBytes, bodyBytes);
        byte[] disk = Frame(body, sequence: 7);

        Assert.Equal(sectors * GroupFrame.SectorSizeBytes, disk.Length);
        Assert.Equal(GroupState.Whole, Read([.. disk, .. new byte[512]], 7, out byte[] read));
        Assert.Equal(body, read);
    }

    [Fact]
    public void Read_group_of_another_sequence_is_none()
    {
        byte[] disk = Frame(RandomBytes(1, 2_000), sequence: 7);

        Assert.Equal(GroupState.Unfinished, Read(disk, 8, out _));
        Assert.Equal(GroupState.Unfinished, Read(disk, 6, out _));
        Assert.Equal(GroupState.Unfinished, Read(new byte[4096], 1, out _));
        Assert.Equal(GroupState.Unfinished, Read([], 1, out _));
    }

    [Fact]
    public void Read_group_that_lacks_any_of_its_sectors_is_unfinished()
    {
        byte[] former = Frame(RandomBytes(1, 5_000), sequence: 3);
        byte[] whole = Frame(RandomBytes(2, 5_000), sequence: 7);
        for (int sector = 0; sector < whole.Length; sector += GroupFrame.SectorSizeBytes)
        {
            byte[] zero = [.. whole];
            zero.AsSpan(sector, GroupFrame.SectorSizeBytes).Clear();
            Assert.Equal(GroupState.Unfinished, Read(zero, 7, out _));

            byte[] old = [.. whole];
            former.AsSpan(sector, GroupFrame.SectorSizeBytes).CopyTo(old.AsSpan(sector));
            Assert.Equal(GroupState.Unfinished, Read(old, 7, out _));
        }

        Assert.Equal(GroupState.Unfinished, Read(whole[..^GroupFrame.SectorSizeBytes], 7, out _));
    }

    [Fact]
    public void Read_changed_byte_of_header_or_body_is_damage_and_never_taken_for_an_unfinished_write()
    {
        byte[] whole = Frame(RandomBytes(2, 1_300), sequence: 7);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 0x10;
            GroupState state = Read(changed, 7, out byte[] read);
            bool isStamp = i % GroupFrame.SectorSizeBytes >= 500;
            bool isPadding = !isStamp && i >= 1024 + 316;
            Assert.Equal(
                isStamp ? GroupState.Unfinished : isPadding ? GroupState.Whole : GroupState.Damaged, state);
            if (isPadding)
            {
                Assert.Equal(RandomBytes(2, 1_300), read);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(30)]
    [InlineData(-1)]
    public void LogRecord_with_any_byte_changed_fails_its_checksum(int index)
    {
        LogEntry entry = Entry(1, "payload");
        byte[] record = new byte[LogRecord.SizeOf(entry)];
        LogRecord.Write(record, entry);
        Assert.Equal("1:payload", Describe([LogRecord.Read(entry.Slot, record)]));
        Assert.Throws<LogCorruptException>(() => LogRecord.Read(entry.Slot.Next, record));

        record[index < 0 ? ^-index : index] ^= 0x10;

        Assert.Throws<LogCorruptException>(() => LogRecord.Read(entry.Slot, record));
    }

    [Fact]
    public void TakeRecord_of_unknown_kind_or_of_more_bytes_than_there_are_is_refused()
    {
        Assert.Throws<LogCorruptException>(() => Take([9, 0, 0, 0]));
        Assert.Throws<LogCorruptException>(() => Take([(byte)RecordKind.Chosen, 1, 2, 3]));
        Assert.Throws<LogCorruptException>(() => Take([(byte)RecordKind.Entry, .. new byte[8], 5, 0, 0, 0, 1, 2]));
        Assert.Throws<LogCorruptException>(() => Take([(byte)RecordKind.Entry, .. new byte[8], 255, 255, 255, 255, 1]));

        static void Take(byte[] body)
        {
            ReadOnlySpan<byte> rest = body;
            GroupBody.TakeRecord(ref rest);
        }
    }

    private static byte[] Frame(byte[] body, long sequence)
    {
        byte[] disk = RandomBytes(99, GroupFrame.SizeOf(body.Length));
        GroupFrame.Write(disk, sequence, body);
        return disk;
    }

    private static GroupState Read(byte[] disk, long sequence, out byte[] read)
    {
        byte[] memory = [];
        GroupState state = GroupFrame.Read(disk, sequence, ref memory, out int length);
        read = memory[..length];
        return state;
    }
}
