using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Tests.Node.Storage;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replication.Log;

public sealed class SegmentedPaxosLogTests : IDisposable
{
    private const int Sector = GroupFrame.SectorSizeBytes;

    private static readonly int SegmentSizeBytes = SegmentedLogOptions.Default.SegmentSizeBytes;

    private readonly TemporaryDirectory _directory = new();

    private string LogPath => _directory.Sub("log");

    private string MarkPath => LogPath + ".mark";

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Open_of_a_new_log_is_empty()
    {
        using SegmentedPaxosLog log = Open();

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
        using (SegmentedPaxosLog log = Open())
        {
            log.Write(
                [Effects(promised, chosen: 1, Entry(1, "a"), Entry(2, "b")), Effects(null, chosen: 2, Entry(5, ""))]);
        }

        using SegmentedPaxosLog reopened = Open();
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
    public void SkipTo_keeps_the_promise_and_what_lies_above()
    {
        var promised = new Ballot(7, new NodeId(2));
        using (SegmentedPaxosLog log = Open())
        {
            log.Write([Effects(promised, chosen: 2, Entry(1, "a"), Entry(2, "b"), Entry(9, "i"), Entry(12, "l"))]);
            log.SkipTo(new Slot(10));
            log.SkipTo(new Slot(4));
            Assert.Equal("12:l", Describe(log.Read(new Slot(1), new Slot(20), 1000)));
        }

        using SegmentedPaxosLog reopened = Open();
        Assert.Equal(promised, reopened.Promised);
        Assert.Equal(new Slot(10), reopened.ChosenSlot);
        Assert.Equal(new Slot(11), reopened.FirstSlot);
        Assert.Equal(new Slot(12), reopened.LastSlot);
        Assert.Equal("12:l", Describe(reopened.Read(new Slot(1), new Slot(20), 1000)));
    }

    [Fact]
    public void FirstSlotWithin_tells_what_whole_segments_leave()
    {
        using SegmentedPaxosLog log = Open();
        byte[] half = RandomBytes(1, SegmentSizeBytes / 2);
        for (int slot = 1; slot <= 8; slot++)
        {
            log.Write([Effects(null, 0, Entry(slot, half))]);
        }

        Assert.Equal(new Slot(1), log.FirstSlotWithin(long.MaxValue));
        Slot within = log.FirstSlotWithin(3L * SegmentSizeBytes);
        Assert.InRange(within.Value, 2, 7);
        Slot least = log.FirstSlotWithin(0);
        Assert.InRange(least.Value, within.Value + 1, 8);

        log.TrimBelow(within);
        Assert.Equal(within, log.FirstSlotWithin(long.MaxValue));
        Assert.Equal(least, log.FirstSlotWithin(0));
    }

    [Fact]
    public void Write_of_a_slot_anew_replaces_the_earlier_even_in_one_group()
    {
        using SegmentedPaxosLog log = Open();
        log.Write([Effects(null, 0, Entry(1, "old")), Effects(null, 0, Entry(1, "new"))]);
        Assert.Equal("1:new", Describe(log.Read(new Slot(1), new Slot(9), 1000)));

        log.Write([Effects(null, 0, Entry(2, "two"))]);
        log.Write([Effects(null, 0, Entry(1, "newest"))]);
        Assert.Equal("1:newest 2:two", Describe(log.Read(new Slot(1), new Slot(9), 1000)));
    }

    [Fact]
    public void Read_stops_after_its_bytes_but_never_before_the_first()
    {
        using SegmentedPaxosLog log = Open();
        log.Write([Effects(null, 0, [.. Enumerable.Range(1, 9).Select(i => Entry(i, new string('x', 1000)))])]);

        Assert.Single(log.Read(new Slot(3), new Slot(9), 1));
        Assert.Equal(2, log.Read(new Slot(3), new Slot(9), 2_500).Count);
        Assert.Equal(3, log.Read(new Slot(3), new Slot(5), int.MaxValue).Count);
    }

    [Fact]
    public void Read_that_is_full_leaves_no_gap_that_a_smaller_entry_fits_into()
    {
        using SegmentedPaxosLog log = Open();
        log.Write([Effects(null, 0, Entry(1, "a"), Entry(2, new string('b', 1000)), Entry(3, "c"))]);

        Assert.Equal("1:a", Describe(log.Read(new Slot(1), new Slot(9), 500)));
    }

    [Fact]
    public void Write_promise_that_shrinks_breaks_an_invariant()
    {
        using SegmentedPaxosLog log = Open();
        log.Write([Effects(new Ballot(5, new NodeId(0)), 0)]);

        Assert.Throws<InvariantViolationException>(() => log.Write([Effects(new Ballot(4, new NodeId(0)), 0)]));
    }

    [Fact]
    public void TrimBelow_of_a_slot_forgets_and_stays_forgotten()
    {
        using (SegmentedPaxosLog log = Open())
        {
            log.Write([Effects(null, 3, Entry(1, "a"), Entry(2, "b"), Entry(3, "c"))]);
            log.TrimBelow(new Slot(3));
            log.TrimBelow(new Slot(2));
            Assert.Equal("3:c", Describe(log.Read(new Slot(1), new Slot(9), 1000)));
            log.Write([Effects(null, 3, Entry(4, "d"))]);
        }

        using SegmentedPaxosLog reopened = Open();
        Assert.Equal(new Slot(3), reopened.FirstSlot);
        Assert.Equal("3:c 4:d", Describe(reopened.Read(new Slot(1), new Slot(9), 1000)));
        reopened.TrimBelow(new Slot(9));
        Assert.Equal(new Slot(8), reopened.LastSlot);
        Assert.Empty(reopened.Read(new Slot(1), new Slot(9), 1000));
    }

    [Fact]
    public void TrimBelow_log_of_many_segments_uses_its_files_again_and_keeps_what_is_not_trimmed()
    {
        var promised = new Ballot(4, new NodeId(1));
        using (SegmentedPaxosLog log = Open())
        {
            log.Write([Effects(promised, 0)]);
            for (int slot = 1; slot <= 400; slot++)
            {
                log.Write([Effects(null, slot, Entry(slot, RandomBytes(slot, 256 * 1024)))]);
                if (slot % 50 == 0)
                {
                    log.TrimBelow(new Slot(slot - 20));
                }
            }

            AssertHolds(log);
        }

        using (SegmentedPaxosLog reopened = Open())
        {
            AssertHolds(reopened);
        }

        // 100 MB were written: what is not trimmed, one segment before it, one under way, and at most eight spares.
        string[] files = Directory.GetFiles(LogPath);
        Assert.InRange(files.Sum(file => new FileInfo(file).Length), 0, 100_000_000);
        Assert.Contains(files, file => Path.GetFileName(file).StartsWith("spare-", StringComparison.Ordinal));

        void AssertHolds(SegmentedPaxosLog log)
        {
            Assert.Equal(promised, log.Promised);
            Assert.Equal(new Slot(400), log.ChosenSlot);
            Assert.Equal(new Slot(380), log.FirstSlot);
            IReadOnlyList<LogEntry> entries = log.Read(new Slot(1), new Slot(1000), int.MaxValue);
            Assert.Equal(Enumerable.Range(380, 21), entries.Select(entry => (int)entry.Slot.Value));
            Assert.All(entries, entry => Assert.Equal(
                RandomBytes((int)entry.Slot.Value, 256 * 1024), entry.Value.Payload.ToArray()));
        }
    }

    [Fact]
    public void Write_group_larger_than_a_segment_has_one_of_its_own()
    {
        byte[] large = RandomBytes(1, SegmentSizeBytes + 1);
        using (SegmentedPaxosLog log = Open())
        {
            log.Write([Effects(null, 0, Entry(1, "a"))]);
            log.Write([Effects(null, 0, Entry(2, large))]);
            log.Write([Effects(null, 0, Entry(3, "c"))]);
        }

        using SegmentedPaxosLog reopened = Open();
        IReadOnlyList<LogEntry> entries = reopened.Read(new Slot(1), new Slot(9), int.MaxValue);
        Assert.Equal(3, entries.Count);
        Assert.Equal(large, entries[1].Value.Payload.ToArray());
        reopened.TrimBelow(new Slot(4));
        Assert.InRange(Directory.GetFiles(LogPath, "0*.log").Length, 1, 2);
    }

    [Fact]
    public void Open_write_that_a_crash_cut_off_is_dropped_and_its_place_used_again()
    {
        long end = WriteThree();
        byte[] third = Bytes(LastSegment, end - GroupFrame.SizeOf(BodyBytes), GroupFrame.SizeOf(BodyBytes));
        for (int sector = 0; sector < third.Length; sector += Sector)
        {
            // All but one of its sectors got to the disk.
            Overwrite(LastSegment, end - third.Length, third);
            Overwrite(LastSegment, end - third.Length + sector, new byte[Sector]);
            using (SegmentedPaxosLog log = Open())
            {
                Assert.Equal("1:a 2:b", Shorten(log));
                Assert.Equal(new Slot(2), log.LastSlot);
            }

            // It is gone for good: another crash, in the write that takes its place, must find nothing of it.
            Assert.Equal(new byte[third.Length], Bytes(LastSegment, end - third.Length, third.Length));
        }

        using (SegmentedPaxosLog log = Open())
        {
            log.Write([Effects(null, 0, Entry(3, "again"))]);
        }

        using SegmentedPaxosLog reopened = Open();
        Assert.Equal("1:a 2:b 3:again", Shorten(reopened));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Open_segment_that_is_shorter_than_it_was_made_is_refused(int halves)
    {
        WriteThree();
        long length = new FileInfo(LastSegment).Length;
        Assert.Equal(SegmentSizeBytes, length);
        using (FileStream file = new(LastSegment, FileMode.Open))
        {
            file.SetLength(halves == 2 ? length / 2 : length - 5);
        }

        LogCorruptException refusal = Assert.Throws<LogCorruptException>(Open);
        Assert.Contains(LastSegment, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("shorter", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_tail_that_was_closed_and_is_gone_is_refused()
    {
        WriteThree(isClosed: true);
        Overwrite(
            LastSegment, EndOf(LastSegment) - GroupFrame.SizeOf(BodyBytes), new byte[GroupFrame.SizeOf(BodyBytes)]);

        LogCorruptException refusal = Assert.Throws<LogCorruptException>(Open);

        Assert.Contains("ends with write 2", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("write 3", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_tail_that_was_marked_while_the_log_was_open_and_is_gone_is_refused()
    {
        byte[]? mark;
        using (SegmentedPaxosLog log = Open())
        {
            log.Write([Effects(null, 0, Entry(1, "a"))]);
            log.Write([Effects(null, 0, Entry(2, "b"))]);
            log.Mark();
            mark = ReadMark();
        }

        RestoreMark(mark);
        Overwrite(LastSegment, EndOf(LastSegment) - Sector, new byte[Sector]);

        Assert.Contains("write 2", Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_tail_that_was_found_by_a_start_and_is_gone_at_the_next_is_refused()
    {
        WriteThree();
        byte[]? mark;
        using (SegmentedPaxosLog log = Open())
        {
            mark = ReadMark();
        }

        RestoreMark(mark);
        Overwrite(LastSegment, EndOf(LastSegment) - Sector, new byte[Sector]);

        Assert.Contains("write 3", Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_log_of_an_older_day_is_refused()
    {
        WriteThreeSegments();
        Directory.Move(LogPath, _directory.Sub("newer"));
        File.Move(MarkPath, _directory.Sub("mark"));
        WriteThree();
        File.Delete(MarkPath);
        File.Move(_directory.Sub("mark"), MarkPath);

        Assert.Contains("newest", Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_log_whose_directory_is_gone_is_refused()
    {
        WriteThree();
        Directory.Delete(LogPath, recursive: true);

        Assert.Contains(
            $"{LogPath} is missing", Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_makes_durable_what_a_process_that_died_may_have_left_in_the_page_cache()
    {
        // A sync cannot be seen from here, but that the pages are written anew: without that, one whose sync failed
        // counts as clean, and no later sync would bring it to the disk.
        WriteThree();
        DateTime before = DateTime.UtcNow.AddHours(-1);
        File.SetLastWriteTimeUtc(LastSegment, before);
        byte[] content = File.ReadAllBytes(LastSegment);

        Open().Dispose();

        Assert.True(File.GetLastWriteTimeUtc(LastSegment) > before.AddMinutes(1));
        Assert.Equal(content, File.ReadAllBytes(LastSegment));
    }

    [Fact]
    public void Open_damaged_mark_is_refused_by_name()
    {
        WriteThree();
        Flip(MarkPath, 20);

        Assert.Contains(MarkPath, Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, "does not begin")]
    [InlineData(512 + 300, "damaged")]
    [InlineData(512 + 4, "damaged")]
    [InlineData(512 + 11_000, "damaged")]
    [InlineData(-6_000, "damaged")]
    [InlineData(512 + 505, "damaged")]
    public void Open_damage_of_anything_that_was_synced_is_refused(int place, string says)
    {
        long end = WriteThree();
        Flip(LastSegment, place < 0 ? end + place : place);

        LogCorruptException refusal = Assert.Throws<LogCorruptException>(Open);

        Assert.Contains(LogPath, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_write_that_is_missing_before_others_is_refused()
    {
        WriteThree();
        Overwrite(LastSegment, Sector + GroupFrame.SizeOf(BodyBytes), new byte[GroupFrame.SizeOf(BodyBytes)]);

        Assert.Throws<LogCorruptException>(Open);
    }

    [Fact]
    public void Check_of_a_sound_log_reads_every_segment_but_the_last()
    {
        WriteThreeSegments();
        using SegmentedPaxosLog log = Open();

        Assert.True(log.SealedBytes > 0);
        Assert.Equal(log.SealedBytes - (2 * Sector), CheckAll(log));
        Assert.Equal(log.SealedBytes - (2 * Sector), CheckAll(log));
    }

    [Theory]
    [InlineData("0000000001.log", 20)]
    [InlineData("0000000001.log", 800)]
    [InlineData("0000000002.log", 800)]
    public void Check_one_changed_bit_of_header_or_group_is_found(string name, int place)
    {
        WriteThreeSegments();
        using SegmentedPaxosLog log = Open();
        string path = Path.Combine(LogPath, name);
        Flip(path, place);

        LogCorruptException found = Assert.Throws<LogCorruptException>(() => CheckAll(log));

        Assert.Contains(name, found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_segment_that_is_gone_is_found()
    {
        WriteThreeSegments();
        using SegmentedPaxosLog log = Open();
        File.Delete(Path.Combine(LogPath, "0000000002.log"));

        Assert.Throws<LogCorruptException>(() => CheckAll(log));
    }

    private static long CheckAll(SegmentedPaxosLog log)
    {
        long total = 0;
        LogPlace place = default;
        while (log.Check(ref place) is int read and > 0)
        {
            total += read;
        }

        return total;
    }

    [Fact]
    public void Read_damage_while_the_log_is_open_is_found_on_reading()
    {
        using SegmentedPaxosLog log = Open();
        log.Write([Effects(null, 0, Entry(1, new string('a', 10_000)))]);
        Flip(LastSegment, Sector + 5_000);

        Assert.Throws<LogCorruptException>(() => log.Read(new Slot(1), new Slot(1), int.MaxValue));
    }

    [Theory]
    [InlineData("0000000001.log", "missing")]
    [InlineData("0000000002.log", "missing")]
    [InlineData("0000000003.log", "newest")]
    [InlineData("../log.mark", "log.mark is missing")]
    public void Open_file_that_vanished_is_refused(string name, string says)
    {
        WriteThreeSegments();
        File.Delete(Path.Combine(LogPath, name));

        Assert.Contains(says, Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_segment_that_ends_too_early_is_refused()
    {
        WriteThreeSegments();
        string second = Path.Combine(LogPath, "0000000002.log");
        using (FileStream file = new(second, FileMode.Open))
        {
            file.SetLength(SegmentSizeBytes / 2);
        }

        Assert.Contains("shorter", Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_log_of_another_format_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(LogPath);
        string other = Path.Combine(LogPath, "MANIFEST-000004");
        File.WriteAllText(other, "something");

        Assert.Contains(other, Assert.Throws<LogCorruptException>(Open).Message, StringComparison.Ordinal);
        Assert.Equal("something", File.ReadAllText(other));
    }

    [Fact]
    public void Open_crash_before_a_new_segment_got_its_name_leaves_the_log_as_it_was()
    {
        byte[]? markBefore = WriteThreeSegments();
        string newest = Path.Combine(LogPath, "0000000003.log");
        string expected;
        using (SegmentedPaxosLog log = Open())
        {
            expected = string.Join(' ', log.Read(new Slot(1), new Slot(49), int.MaxValue).Select(entry => entry.Slot));
        }

        // The file is there in full, but still a spare, and the note of the newest is of before.
        File.Move(newest, Path.Combine(LogPath, "spare-0000000099.log"));
        RestoreMark(markBefore);
        File.WriteAllText(Path.Combine(LogPath, "new.tmp"), "half");

        using SegmentedPaxosLog before = Open();
        Assert.StartsWith(
            string.Join(' ', before.Read(new Slot(1), new Slot(100), int.MaxValue).Select(entry => entry.Slot)),
            expected,
            StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(LogPath, "new.tmp")));
        long last = before.LastSlot.Value;
        for (int i = 1; i <= 40; i++)
        {
            before.Write([Effects(null, 0, Entry(last + i, RandomBytes(i, 512 * 1024)))]);
        }

        Assert.Equal(last + 40, before.Read(new Slot(last), new Slot(last + 100), int.MaxValue)[^1].Slot.Value);
    }

    [Fact]
    public void Open_by_a_second_opener_is_refused()
    {
        using SegmentedPaxosLog log = Open();

        Assert.Throws<LogFailedException>(Open);
    }

    [Fact]
    public void Write_after_one_that_failed_is_refused()
    {
        using SegmentedPaxosLog log = Open();
        log.Write([Effects(null, 0, Entry(1, "a"))]);
        Directory.Delete(LogPath, recursive: true);

        Assert.Throws<LogFailedException>(
            () => log.Write([Effects(null, 0, Entry(2, new byte[SegmentSizeBytes]))]));
        LogFailedException refusal = Assert.Throws<LogFailedException>(
            () => log.Write([Effects(null, 0, Entry(3, "c"))]));
        Assert.Contains("failed before", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<LogFailedException>(() => log.TrimBelow(new Slot(2)));
    }

    [Fact]
    public async Task Read_beside_writes_and_trims_sees_whole_entries()
    {
        using SegmentedPaxosLog log = Open();
        using var isDone = new CancellationTokenSource();
        int read = 0;
        var reader = Task.Run(() =>
        {
            while (!isDone.IsCancellationRequested)
            {
                foreach (LogEntry entry in log.Read(log.FirstSlot, log.LastSlot, 2 * 1024 * 1024))
                {
                    Assert.Equal(RandomBytes((int)entry.Slot.Value, 100_000), entry.Value.Payload.ToArray());
                    Interlocked.Increment(ref read);
                }
            }
        });
        var trimmer = Task.Run(async () =>
        {
            while (!isDone.IsCancellationRequested)
            {
                log.TrimBelow(new Slot(Math.Max(1, log.LastSlot.Value - 100)));
                await Task.Delay(5);
            }
        });

        for (int slot = 1; slot <= 1_000; slot++)
        {
            log.Write([Effects(null, slot, Entry(slot, RandomBytes(slot, 100_000)))]);
        }

        // The pool may have started the reader late.
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref read) > 0, TimeSpan.FromSeconds(30)));
        await isDone.CancelAsync();
        await reader;
        await trimmer;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Open_after_crashes_remembers_what_it_was_told(int seed)
    {
        var random = new Random(seed);
        var model = new SortedDictionary<long, string>();
        long promised = 0;
        long chosen = 0;
        long first = 1;
        Ballot modelPromised = Ballot.Zero;
        Slot modelChosen = Slot.Zero;
        for (int life = 0; life < 8; life++)
        {
            long endBefore;
            string segment;
            byte[]? mark;
            Effects last;
            using (SegmentedPaxosLog log = Open())
            {
                AssertIsModel(log);
                for (int write = random.Next(20); write > 0; write--)
                {
                    List<Effects> writes = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomEffects())];
                    log.Write(writes);
                    writes.ForEach(Note);
                    if (random.Next(10) == 0 && chosen > first)
                    {
                        first = random.NextInt64(first, chosen) + 1;
                        log.TrimBelow(new Slot(first));
                    }
                }

                AssertIsModel(log);
                modelPromised = new Ballot(++promised, new NodeId(0));
                log.Write([Effects(modelPromised, 0)]);
                segment = LastSegment;
                endBefore = EndOf(segment);
                mark = ReadMark();
                last = RandomEffects();
                last.Append.Add(Entry(Math.Max(first, chosen + 1), RandomText()));
                log.Write([last]);
            }

            // The crash came in the last write: any of its sectors may be missing.
            if (segment == LastSegment)
            {
                RestoreMark(mark);
            }

            long end = EndOf(LastSegment);
            int lost = 0;
            if (segment == LastSegment && random.Next(4) > 0)
            {
                for (long place = endBefore; place < end; place += Sector)
                {
                    if (random.Next(2) == 0)
                    {
                        lost++;
                        Overwrite(segment, place, new byte[Sector]);
                    }
                }
            }

            if (lost == 0)
            {
                Note(last);
            }
        }

        Effects RandomEffects()
        {
            if (random.Next(4) == 0)
            {
                chosen = Math.Max(chosen, first + random.Next(20));
            }

            Ballot? ballot = random.Next(5) == 0 ? new Ballot(promised += random.Next(3), new NodeId(0)) : null;
            return Effects(
                ballot,
                random.Next(3) == 0 ? Math.Max(chosen, 1) : 0,
                [.. Enumerable.Range(0, random.Next(4)).Select(_ => Entry(first + random.Next(30), RandomText()))]);
        }

        string RandomText() => new((char)('a' + random.Next(26)), random.Next(random.Next(5) == 0 ? 20_000 : 300));

        void Note(Effects effects)
        {
            modelPromised = effects.Promised ?? modelPromised;
            modelChosen = Slot.Max(modelChosen, effects.ChosenSlot ?? Slot.Zero);
            foreach (LogEntry entry in effects.Append)
            {
                model[entry.Slot.Value] = Encoding.UTF8.GetString(entry.Value.Payload.Span);
            }
        }

        void AssertIsModel(SegmentedPaxosLog log)
        {
            Assert.Equal(modelPromised, log.Promised);
            Assert.Equal(modelChosen, log.ChosenSlot);
            Assert.Equal(new Slot(first), log.FirstSlot);
            Assert.Equal(
                string.Join(' ', model.Where(pair => pair.Key >= first).Select(pair => $"{pair.Key}:{pair.Value}")),
                Describe(log.Read(new Slot(1), new Slot(long.MaxValue), int.MaxValue)));
        }
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 40)];

    private const int PayloadBytes = 10_001;

    /// <summary>Of each of the three writes of <see cref="WriteThree"/>, but for the first, which has more.</summary>
    private static int BodyBytes => 1 + sizeof(long) + sizeof(int) + LogRecord.SizeOf(Entry(1, new byte[PayloadBytes]));

    private string LastSegment => Directory.GetFiles(LogPath, "0*.log").Max()!;

    private SegmentedPaxosLog Open() => SegmentedPaxosLog.Open(SystemFiles.Instance, LogPath);

    private static string Shorten(SegmentedPaxosLog log) => string.Join(
        ' ', log.Read(new Slot(1), new Slot(9), int.MaxValue)
            .Select(entry => $"{entry.Slot}:{Encoding.UTF8.GetString(entry.Value.Payload.Span).TrimEnd('.')}"));

    private byte[]? ReadMark() => File.Exists(MarkPath) ? File.ReadAllBytes(MarkPath) : null;

    private void RestoreMark(byte[]? mark)
    {
        if (mark is not null)
        {
            File.WriteAllBytes(MarkPath, mark);
        }
    }

    /// <param name="isClosed">Else the process dies after the last write.</param>
    /// <returns>Where in the file the third ends.</returns>
    private long WriteThree(bool isClosed = false)
    {
        byte[]? mark;
        using (SegmentedPaxosLog log = Open())
        {
            WriteThree(log);
            mark = ReadMark();
        }

        if (!isClosed)
        {
            RestoreMark(mark);
        }

        return EndOf(LastSegment);
    }

    private static void WriteThree(SegmentedPaxosLog log)
    {
        log.Write([Effects(null, 0, Entry(1, "a" + new string('.', PayloadBytes - 1)))]);
        log.Write([Effects(null, 0, Entry(2, "b" + new string('.', PayloadBytes - 1)))]);
        log.Write([Effects(null, 0, Entry(3, "c" + new string('.', PayloadBytes - 1)))]);
    }

    /// <returns>The mark as it was before the third was begun.</returns>
    private byte[]? WriteThreeSegments()
    {
        byte[]? mark = null;
        using SegmentedPaxosLog log = Open();
        for (int slot = 1; Directory.GetFiles(LogPath, "0*.log").Length < 3; slot++)
        {
            mark = ReadMark();
            log.Write([Effects(null, 0, Entry(slot, RandomBytes(slot, 512 * 1024)))]);
        }

        return mark;
    }

    /// <summary>Behind the last sector that was written.</summary>
    private static long EndOf(string path)
    {
        byte[] content = File.ReadAllBytes(path);
        int end = content.Length;
        while (end > Sector && GroupFrame.SequenceAt(content.AsSpan(end - Sector)) == 0)
        {
            end -= Sector;
        }

        return end;
    }

    private static byte[] Bytes(string path, long start, int count) => File.ReadAllBytes(path)[(int)start..][..count];

    private static void Overwrite(string path, long start, byte[] bytes)
    {
        using FileStream file = new(path, FileMode.Open);
        file.Seek(start, SeekOrigin.Begin);
        file.Write(bytes);
    }

    private static void Flip(string path, long place)
    {
        byte[] changed = Bytes(path, place, 1);
        changed[0] ^= 0x10;
        using FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.Seek(place, SeekOrigin.Begin);
        file.Write(changed);
    }
}
