using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Replication.Log;

namespace KvCloud.Tests.Node.Storage;

/// <summary>
/// A file that a newer program wrote is refused by the number of its format. Each is made newer with a checksum that is
/// right, so that nothing but the format can be what is refused.
/// </summary>
public sealed class FileFormatTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string LogPath => _directory.Sub("log");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Open_log_mark_of_a_newer_format_is_refused_by_its_number()
    {
        MakeLog();
        string mark = LogPath + ".mark";
        byte[] bytes = File.ReadAllBytes(mark);
        bytes[8] = 2;
        Reseal(bytes.AsSpan(0, 48));
        File.WriteAllBytes(mark, bytes);

        RefusedAs("log.mark has format 2; this program knows 1");
    }

    [Fact]
    public void Open_segment_of_a_newer_format_is_refused_by_its_number()
    {
        MakeLog();
        string path = Directory.GetFiles(LogPath, "*.log").Order(StringComparer.Ordinal).First();
        using (FileStream segment = File.OpenWrite(path))
        {
            segment.Position = 8;
            segment.WriteByte(3);
        }

        RefusedAs("has format 3; this program knows 2");
    }

    [Fact]
    public void Read_slot_record_of_a_newer_format_is_refused_by_its_number()
    {
        var entry = new LogEntry(
            new Slot(7), Ballot.Zero, new Value(Ballot.Zero, ValueKind.Commands, new byte[] { 1, 2 }));
        byte[] record = new byte[LogRecord.SizeOf(entry)];
        LogRecord.Write(record, entry);
        record[0] = 2;

        LogCorruptException error = Assert.Throws<LogCorruptException>(() => LogRecord.Read(new Slot(7), record));
        Assert.Equal("slot 7 in the log has format 2; this program knows 1", error.Message);
    }

    [Fact]
    public void Decode_manifest_of_a_newer_format_is_refused_by_its_number()
    {
        byte[] manifest = new SnapshotManifest(
            "mine", new AppliedState(new Slot(7), new CommitVersion(9), 1), []).Encode();
        manifest[8] = 2;
        Reseal(manifest);

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SnapshotManifest.Decode(manifest));
        Assert.Equal("the snapshot has format 2; this program knows 1", error.Message);
    }

    [Fact]
    public void Open_incarnations_of_a_newer_format_are_refused_by_their_number()
    {
        string path = _directory.Sub("incarnations");
        new IncarnationFile(SystemFiles.Instance, path).TryAdmit(1, 11);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[4] = 2;
        Reseal(bytes);
        File.WriteAllBytes(path, bytes);

        Exception? error = Record.Exception(() => new IncarnationFile(SystemFiles.Instance, path));
        Assert.Contains("it has version 2, not 1", error?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_members_of_a_newer_format_are_refused_by_their_number_and_their_data_is_unknown()
    {
        byte[] members = GroupMembers.Initial([new NodeId(0)]).Encode();
        members[0] = 2;
        InvariantViolationException error = Assert.Throws<InvariantViolationException>(
            () => GroupMembers.Decode(new Slot(3), members));
        Assert.Contains(
            "slot 3 holds members in format 2; this program knows 1", error.Message, StringComparison.Ordinal);

        byte[] data = new MemberData(5, "a:1", "", "").Encode();
        data[0] = 2;
        Assert.Equal(MemberData.Unknown, MemberData.Decode(data));
    }

    private static void Reseal(Span<byte> bytes) => BinaryPrimitives.WriteUInt64LittleEndian(
        bytes[^sizeof(ulong)..], XxHash3.HashToUInt64(bytes[..^sizeof(ulong)]));

    private void MakeLog()
    {
        using var log = SegmentedPaxosLog.Open(
            SystemFiles.Instance, LogPath, true, SegmentedLogOptions.Default);
        log.Write([LogEntries.Effects(null, chosen: 1, LogEntries.Entry(1, "a"))]);
    }

    private void RefusedAs(string expected)
    {
        LogCorruptException error = Assert.Throws<LogCorruptException>(
            () => SegmentedPaxosLog.Open(SystemFiles.Instance, LogPath, false, SegmentedLogOptions.Default));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
