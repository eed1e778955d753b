using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Tests.Node.Storage;

namespace KvCloud.Tests.Node.Replication;

public sealed class RocksPaxosLogTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string LogPath => _directory.Sub("log");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void New_log_is_empty()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);

        Assert.Equal(Ballot.Zero, log.Promised);
        Assert.Equal(Slot.Zero, log.ChosenSlot);
        Assert.Equal(new Slot(1), log.FirstSlot);
        Assert.Equal(Slot.Zero, log.LastSlot);
        Assert.Empty(log.Read(new Slot(1), new Slot(100), 1000));
    }

    [Fact]
    public void Write_survives_reopening_with_ballots_and_payloads()
    {
        var promised = new Ballot(7, new NodeId(2));
        using (RocksPaxosLog log = RocksPaxosLog.Open(LogPath))
        {
            log.Write([Effects(promised, chosen: 1, Entry(1, "a"), Entry(2, "b")), Effects(null, chosen: 2, Entry(5, ""))]);
        }

        using RocksPaxosLog reopened = RocksPaxosLog.Open(LogPath);
        Assert.Equal(promised, reopened.Promised);
        Assert.Equal(new Slot(2), reopened.ChosenSlot);
        Assert.Equal(new Slot(5), reopened.LastSlot);
        Assert.Equal("1:a 2:b 5:", Describe(reopened.Read(new Slot(1), new Slot(9), 1000)));
        LogEntry entry = reopened.Read(new Slot(2), new Slot(2), 1000)[0];
        Assert.Equal(new Ballot(3, new NodeId(1)), entry.Accepted);
        Assert.Equal(new Ballot(2, new NodeId(0)), entry.Value.Origin);
        Assert.Equal(ValueKind.Commands, entry.Value.Kind);
    }

    [Fact]
    public void Later_write_of_a_slot_replaces_the_earlier_even_in_one_batch()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
        log.Write([Effects(null, 0, Entry(1, "old")), Effects(null, 0, Entry(1, "new"))]);

        Assert.Equal("1:new", Describe(log.Read(new Slot(1), new Slot(9), 1000)));
    }

    [Fact]
    public void Read_stops_after_its_bytes_but_never_before_the_first()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
        log.Write([Effects(null, 0, [.. Enumerable.Range(1, 9).Select(i => Entry(i, new string('x', 1000)))])]);

        Assert.Single(log.Read(new Slot(3), new Slot(9), 1));
        Assert.Equal(2, log.Read(new Slot(3), new Slot(9), 2_500).Count);
        Assert.Equal(3, log.Read(new Slot(3), new Slot(5), int.MaxValue).Count);
    }

    [Fact]
    public void Promise_that_shrinks_breaks_an_invariant()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
        log.Write([Effects(new Ballot(5, new NodeId(0)), 0)]);

        Assert.Throws<InvariantViolationException>(() => log.Write([Effects(new Ballot(4, new NodeId(0)), 0)]));
    }

    [Fact]
    public void Trim_forgets_and_stays_forgotten()
    {
        using (RocksPaxosLog log = RocksPaxosLog.Open(LogPath))
        {
            log.Write([Effects(null, 3, Entry(1, "a"), Entry(2, "b"), Entry(3, "c"))]);
            log.TrimBelow(new Slot(3));
            log.TrimBelow(new Slot(2));
            Assert.Equal("3:c", Describe(log.Read(new Slot(1), new Slot(9), 1000)));
            log.Write([Effects(null, 3, Entry(4, "d"))]);
        }

        using RocksPaxosLog reopened = RocksPaxosLog.Open(LogPath);
        Assert.Equal(new Slot(3), reopened.FirstSlot);
        Assert.Equal("3:c 4:d", Describe(reopened.Read(new Slot(1), new Slot(9), 1000)));
        reopened.TrimBelow(new Slot(9));
        Assert.Equal(new Slot(8), reopened.LastSlot);
        Assert.Empty(reopened.Read(new Slot(1), new Slot(9), 1000));
    }

    [Fact]
    public void Trim_gives_the_space_back()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
        byte[] payload = new byte[256 * 1024];
        for (int slot = 1; slot <= 400; slot++)
        {
            new Random(slot).NextBytes(payload);
            log.Write([Effects(null, slot, Entry(slot, [.. payload]))]);
            log.TrimBelow(new Slot(Math.Max(1, slot - 20)));
        }

        // 100 MB were written; what stays is what is not trimmed, write buffers, and files that are not full yet.
        long bytes = Directory.GetFiles(LogPath).Sum(file => new FileInfo(file).Length);
        Assert.InRange(bytes, 0, 80_000_000);
        Assert.Equal(21, log.Read(new Slot(1), new Slot(1000), int.MaxValue).Count);
    }

    [Fact]
    public void Torn_tail_is_cut_and_all_before_it_kept()
    {
        WriteThreeAndCrash();
        using (FileStream file = OpenWriteAheadFile())
        {
            file.SetLength(file.Length - 5);
        }

        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
        Assert.Equal("1:a 2:b", Shorten(log));
        log.Write([Effects(null, 0, Entry(3, "again"))]);
        Assert.Equal("1:a 2:b 3:again", Shorten(log));
    }

    [Fact]
    public void Damage_in_the_middle_stops_the_opening()
    {
        WriteThreeAndCrash();
        Flip(OpenWriteAheadFile, fromEnd: 12_000);

        var refusal = Assert.Throws<LogCorruptException>(() => RocksPaxosLog.Open(LogPath));

        Assert.Contains(LogPath, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_in_the_last_whole_record_stops_the_opening()
    {
        WriteThreeAndCrash();
        Flip(OpenWriteAheadFile, fromEnd: 100);

        Assert.Throws<LogCorruptException>(() => RocksPaxosLog.Open(LogPath));
    }

    [Fact]
    public void Damage_in_a_file_of_slots_is_found_on_reading()
    {
        using (RocksPaxosLog log = RocksPaxosLog.Open(LogPath))
        {
            for (int slot = 1; slot <= 12; slot++)
            {
                byte[] payload = new byte[1024 * 1024];
                new Random(slot).NextBytes(payload);
                log.Write([Effects(null, 0, Entry(slot, payload))]);
            }

            SpinWait.SpinUntil(() => Directory.GetFiles(LogPath, "*.sst").Length > 0, TimeSpan.FromSeconds(30));
        }

        Flip(
            () => new FileStream(
                Directory.GetFiles(LogPath, "*.sst").MaxBy(file => new FileInfo(file).Length)!, FileMode.Open),
            fromEnd: 3_500_000);
        Assert.Throws<LogCorruptException>(() =>
        {
            using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
            log.Read(new Slot(1), new Slot(100), int.MaxValue);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(30)]
    [InlineData(-1)]
    public void Record_with_any_byte_changed_fails_its_checksum(int index)
    {
        LogEntry entry = Entry(1, "payload");
        byte[] header = new byte[LogRecord.HeaderSizeBytes];
        LogRecord.WriteHeader(header, entry);
        byte[] checksum =
            BitConverter.GetBytes(LogRecord.Checksum(entry.Slot, header, entry.Value.Payload.Span));
        byte[] record = [.. header, .. entry.Value.Payload.Span, .. checksum];
        Assert.Equal("payload", Encoding.UTF8.GetString(LogRecord.Read(entry.Slot, record).Value.Payload.Span));
        Assert.Throws<LogCorruptException>(() => LogRecord.Read(entry.Slot.Next, record));

        record[index < 0 ? ^-index : index] ^= 0x10;

        Assert.Throws<LogCorruptException>(() => LogRecord.Read(entry.Slot, record));
    }

    [Fact]
    public void Second_opener_is_refused()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);

        Assert.Throws<LogFailedException>(() => RocksPaxosLog.Open(LogPath));
    }

    private static Effects Effects(Ballot? promised, long chosen, params IEnumerable<LogEntry> entries)
    {
        var effects = new Effects { Promised = promised, ChosenSlot = chosen == 0 ? null : new Slot(chosen) };
        effects.Append.AddRange(entries);
        return effects;
    }

    private static LogEntry Entry(int slot, string payload) => Entry(slot, Encoding.UTF8.GetBytes(payload));

    private static LogEntry Entry(int slot, byte[] payload) => new(
        new Slot(slot),
        new Ballot(3, new NodeId(1)),
        new Value(new Ballot(2, new NodeId(0)), ValueKind.Commands, payload));

    private static string Describe(IEnumerable<LogEntry> entries) => string.Join(
        ' ', entries.Select(entry => $"{entry.Slot}:{Encoding.UTF8.GetString(entry.Value.Payload.Span)}"));

    private static string Shorten(RocksPaxosLog log) => string.Join(
        ' ', log.Read(new Slot(1), new Slot(9), int.MaxValue)
            .Select(entry => $"{entry.Slot}:{Encoding.UTF8.GetString(entry.Value.Payload.Span).TrimEnd('.')}"));

    private void WriteThreeAndCrash()
    {
        using RocksPaxosLog log = RocksPaxosLog.Open(LogPath);
        log.Write([Effects(new Ballot(1, new NodeId(0)), 0, Entry(1, "a" + new string('.', 10_000)))]);
        log.Write([Effects(null, 0, Entry(2, "b" + new string('.', 10_000)))]);
        log.Write([Effects(null, 0, Entry(3, "c" + new string('.', 10_000)))]);
    }

    private FileStream OpenWriteAheadFile() => new(
        Directory.GetFiles(LogPath, "*.log").MaxBy(file => new FileInfo(file).Length)!, FileMode.Open);

    private static void Flip(Func<FileStream> open, int fromEnd)
    {
        using FileStream file = open();
        file.Seek(-fromEnd, SeekOrigin.End);
        int old = file.ReadByte();
        file.Seek(-1, SeekOrigin.Current);
        file.WriteByte((byte)(old ^ 0x10));
    }
}
