using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Files;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// What a crash of the simulated disk leaves is decided by the seed: so each may be seen that must be, and no other.
/// </summary>
public sealed class SimDiskTests
{
    private const int Sector = 512;
    private const int Seeds = 200;

    [Fact]
    public void SimDisk_files_are_made_renamed_listed_and_removed_as_in_a_file_system()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        Assert.Throws<DirectoryNotFoundException>(() => disk.Open("/d/a", FileMode.OpenOrCreate, FileAccess.Write));
        disk.CreateDirectory("/d");
        Assert.Throws<FileNotFoundException>(() => disk.Open("/d/a", FileMode.Open, FileAccess.Read));
        Write(disk, "/d/a", "one");
        Write(disk, "/d/b", "two");

        Assert.Equal(["/d/a", "/d/b"], disk.ListFiles("/d"));
        Assert.Throws<IOException>(() => disk.Move("/d/a", "/d/b", replaces: false));
        disk.Move("/d/a", "/d/b", replaces: true);
        Assert.Equal(["/d/b"], disk.ListFiles("/d"));
        Assert.Equal("one", Read(disk, "/d/b"));
        disk.Delete("/d/b");
        disk.Delete("/d/b");
        Assert.False(disk.FileExists("/d/b"));
        Assert.True(disk.DirectoryExists("/d"));
        Assert.False(disk.DirectoryExists("/e"));
    }

    [Fact]
    public void Read_of_what_was_written_in_parts_gives_it_and_zeros_between()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        using IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.ReadWrite);
        file.Write("ab"u8, 3);
        file.SetLength(7);
        file.Write("xy"u8, 4);
        Assert.Equal("\0\0\0axy\0", Read(disk, "/a"));
        file.SetLength(4);
        file.SetLength(6);

        Assert.Equal("\0\0\0a\0\0", Read(disk, "/a"));
        Assert.Equal(6, file.Length);
        Assert.Equal(0, file.Read(new byte[10], 6));
        Assert.Equal(1, file.Read(new byte[10], 5));
        Assert.Throws<UnauthorizedAccessException>(
            () => disk.Open("/a", FileMode.Open, FileAccess.Read).Write("z"u8, 0));
    }

    [Fact]
    public void Crash_by_a_power_cut_leaves_what_was_synced_and_flushed()
    {
        ForEachSeed(disk =>
        {
            Write(disk, "/a", "synced", isSynced: true);
            disk.FlushDirectory("/");
            disk.Crash(isPowerCut: true);

            Assert.Equal("synced", Read(disk, "/a"));
            return "";
        });
    }

    [Fact]
    public void Crash_by_a_power_cut_keeps_any_of_the_sectors_that_were_not_synced()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            using (IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.Write))
            {
                file.Write(Sectors("aaaa"), 0);
                file.SyncData();
                disk.FlushDirectory("/");
                file.Write(Sectors("bbb"), Sector);
            }

            disk.Crash(isPowerCut: true);
            return FirstOfSectors(disk, "/a");
        });

        Assert.Equal(["aaaa", "aaab", "aaba", "aabb", "abaa", "abab", "abba", "abbb"], seen);
    }

    [Fact]
    public void Crash_by_a_power_cut_keeps_a_length_that_was_not_synced_or_not()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            using IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.Write);
            file.Write(Sectors("a"), 0);
            file.SyncData();
            disk.FlushDirectory("/");
            file.Write(Sectors("b"), Sector);
            disk.Crash(isPowerCut: true);
            return FirstOfSectors(disk, "/a");
        });

        Assert.Equal(["a", "a0", "ab"], seen);
    }

    [Fact]
    public void Crash_by_a_power_cut_keeps_any_of_the_names_that_were_not_flushed()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            Write(disk, "/old", "old", isSynced: true);
            disk.FlushDirectory("/");
            Write(disk, "/new", "new", isSynced: true);
            disk.Delete("/old");
            disk.Crash(isPowerCut: true);
            return string.Join('+', disk.ListFiles("/"));
        });

        Assert.Equal(["", "/new", "/new+/old", "/old"], seen);
    }

    [Fact]
    public void Crash_by_a_power_cut_in_a_replacement_leaves_the_old_file_or_the_new_one()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            disk.ReplaceAtomically("/a", "old"u8);
            disk.BeginOperation();
            disk.ReplaceAtomically("/a", "new"u8);
            disk.Crash(isPowerCut: true);
            return Read(disk, "/a");
        });

        Assert.Equal(["new", "old"], seen);
    }

    [Fact]
    public void Crash_by_a_power_cut_takes_a_directory_whose_name_was_not_flushed_with_all_that_was_synced_in_it()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            disk.CreateDirectory("/d");
            Write(disk, "/d/a", "synced", isSynced: true);
            disk.FlushDirectory("/d");
            disk.Crash(isPowerCut: true);
            return disk.FileExists("/d/a") ? "file" : disk.DirectoryExists("/d") ? "directory" : "nothing";
        });

        Assert.Equal(["file", "nothing"], seen);
    }

    [Fact]
    public void Crash_of_the_process_keeps_what_was_not_synced_until_the_power_is_cut()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            Write(disk, "/a", "old", isSynced: true);
            disk.FlushDirectory("/");
            Write(disk, "/a", "new");
            disk.Crash(isPowerCut: false);
            Assert.Equal("new", Read(disk, "/a"));
            disk.Crash(isPowerCut: true);
            return Read(disk, "/a");
        });

        Assert.Equal(["new", "old"], seen);
    }

    [Fact]
    public void Crash_before_the_operation_is_settled_undoes_it_from_any_call_on()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            disk.CreateDirectory("/d");
            disk.BeginOperation();
            using (IFile file = disk.Open("/d/a", FileMode.OpenOrCreate, FileAccess.Write))
            {
                file.Write("x"u8, 0);
                file.SyncData();
                file.SetLength(3);
            }

            disk.Move("/d/a", "/d/b", replaces: false);
            disk.FlushDirectory("/d");
            disk.EndOperation();
            disk.Crash(isPowerCut: false);
            return string.Join('+', disk.ListFiles("/d").Select(path => $"{path}:{Read(disk, path).Length}"));
        });

        Assert.Equal(["", "/d/a:0", "/d/a:1", "/d/a:3", "/d/b:3"], seen);
    }

    [Fact]
    public void Crash_in_a_write_leaves_some_of_its_first_sectors()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            Write(disk, "/a", FirstOf(Sectors("aaa")));
            disk.BeginOperation();
            using (IFile file = disk.Open("/a", FileMode.Open, FileAccess.Write))
            {
                file.Write(Sectors("bbb"), 0);
            }

            disk.Crash(isPowerCut: false);
            return FirstOfSectors(disk, "/a");
        });

        Assert.Equal(["aaa", "baa", "bba", "bbb"], seen);
    }

    [Fact]
    public void Crash_in_a_sync_makes_nothing_durable_that_was_not()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            Write(disk, "/a", "old", isSynced: true);
            disk.FlushDirectory("/");
            disk.BeginOperation();
            Write(disk, "/a", "new", isSynced: true);
            disk.EndOperation();
            disk.Crash(isPowerCut: true);
            return Read(disk, "/a");
        });

        Assert.Equal(["new", "old"], seen);
    }

    [Fact]
    public void Settle_of_an_operation_keeps_it_from_being_undone()
    {
        ForEachSeed(disk =>
        {
            disk.BeginOperation();
            disk.ReplaceAtomically("/a", "new"u8);
            disk.EndOperation();
            disk.Settle();
            disk.Crash(isPowerCut: true);
            Assert.Equal("new", Read(disk, "/a"));
            return "";
        });
    }

    [Fact]
    public void BeginOperation_of_several_takes_the_time_of_their_calls_one_after_the_other()
    {
        var disk = new SimDisk(new DeterministicRandom(1), new SimDiskSettings(SyncMaxUs: 400, WriteUs: 20, NameUs: 5));
        Assert.Equal(25, TimeOf(isSynced: false));
        Assert.InRange(TimeOf(isSynced: true), 125, 424);
        disk.SlowUs = 10_000;
        Assert.Equal(25, TimeOf(isSynced: false));
        Assert.InRange(TimeOf(isSynced: true), 10_125, 10_424);
        disk.StalledUntilUs = 70_000;
        Assert.Equal(25, TimeOf(isSynced: false));
        Assert.Equal(20_000, TimeOf(isSynced: true));

        disk.BeginOperation();
        Assert.Throws<InvariantViolationException>(disk.BeginOperation);
        disk.EndOperation();
        Assert.Throws<InvariantViolationException>(() => Write(disk, "/b", "too early"));
        Assert.True(disk.IsBusy);

        long TimeOf(bool isSynced)
        {
            disk.BeginOperation();
            Write(disk, "/a", "", mode: FileMode.OpenOrCreate, isSynced: isSynced);
            long us = disk.EndOperation(nowUs: 50_000);
            disk.Settle();
            return us;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Crash_ends_handles_and_locks(bool isPowerCut)
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.ReadWrite);
        IDisposable before = disk.TakeLock("/lock");
        Assert.Throws<FileInUseException>(() => disk.TakeLock("/lock"));
        disk.Crash(isPowerCut);

        Assert.Throws<IOException>(() => file.Write("x"u8, 0));
        Assert.Throws<IOException>(() => file.Read(new byte[1], 0));
        Assert.Throws<IOException>(file.SyncData);
        IDisposable after = disk.TakeLock("/lock");
        before.Dispose();
        Assert.Throws<FileInUseException>(() => disk.TakeLock("/lock"));
        after.Dispose();
        disk.TakeLock("/lock").Dispose();
    }

    [Fact]
    public void FailNext_sync_that_failed_is_forgotten_by_the_next_one()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            using IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.Write);
            file.Write(Sectors("aa"), 0);
            file.SyncData();
            disk.FlushDirectory("/");
            file.Write(Sectors("bb"), 0);
            disk.FailNext(SimDiskCall.Sync);
            Assert.Throws<IOException>(file.SyncData);
            Assert.Equal("bb", FirstOfSectors(disk, "/a"));
            file.SyncData();
            disk.Crash(isPowerCut: true);
            return FirstOfSectors(disk, "/a");
        });

        Assert.Equal(["aa", "ab", "ba", "bb"], seen);
    }

    [Fact]
    public void FailNext_write_that_failed_and_is_done_anew_is_durable_once_synced()
    {
        ForEachSeed(disk =>
        {
            using IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.Write);
            disk.FlushDirectory("/");
            file.Write(Sectors("a"), 0);
            disk.FailNext(SimDiskCall.Sync);
            Assert.Throws<IOException>(file.SyncData);
            file.Write(Sectors("a"), 0);
            file.SyncData();
            disk.Crash(isPowerCut: true);
            return FirstOfSectors(disk, "/a")[..1];
        });
    }

    [Fact]
    public void FailNext_of_a_call_hits_the_next_such_call_below_its_path_once()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        disk.CreateDirectory("/d");
        using IFile file = disk.Open("/d/a", FileMode.OpenOrCreate, FileAccess.ReadWrite);
        using IFile other = disk.Open("/b", FileMode.OpenOrCreate, FileAccess.ReadWrite);
        Check(SimDiskCall.Read, () => file.Read(new byte[1], 0), () => other.Read(new byte[1], 0));
        Check(SimDiskCall.Write, () => file.Write("x"u8, 0), () => other.Write("x"u8, 0));
        Check(SimDiskCall.Sync, file.SyncData, other.SyncData);
        Check(SimDiskCall.FlushDirectory, () => disk.FlushDirectory("/d"), () => disk.FlushDirectory("/"));
        Check(
            SimDiskCall.Open,
            () => disk.Open("/d/a", FileMode.Open, FileAccess.Read),
            () => disk.Open("/b", FileMode.Open, FileAccess.Read));
        Check(
            SimDiskCall.Move,
            () => disk.Move("/d/a", "/d/b", replaces: false),
            () => disk.Move("/b", "/c", replaces: false));
        disk.FailNext(SimDiskCall.Sync);
        disk.Heal();
        file.SyncData();

        void Check(SimDiskCall call, Action hit, Action missed)
        {
            disk.FailNext(call, "/d");
            missed();
            Assert.Equal(1, disk.ArmedFaults);
            Assert.Throws<IOException>(hit);
            Assert.Equal(0, disk.ArmedFaults);
            hit();
        }
    }

    [Fact]
    public void FailNext_write_that_failed_has_written_some_of_its_first_sectors()
    {
        IEnumerable<string> seen = ForEachSeed(disk =>
        {
            Write(disk, "/a", FirstOf(Sectors("aa")));
            using IFile file = disk.Open("/a", FileMode.Open, FileAccess.Write);
            disk.FailNext(SimDiskCall.Write);
            Assert.Throws<IOException>(() => file.Write(Sectors("bb"), 0));
            return FirstOfSectors(disk, "/a");
        });

        Assert.Equal(["aa", "ba", "bb"], seen);
    }

    [Fact]
    public void IsFull_disk_refuses_new_space_and_new_names_but_writes_over_what_is_there()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        using IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.ReadWrite);
        file.Write(new byte[4096], 0);
        disk.IsFull = true;
        file.Write("over"u8, 100);
        file.SetLength(100_000);

        Assert.Throws<IOException>(() => file.Write(Encoding.ASCII.GetBytes(new string('x', 4096)), 2048));
        Assert.Throws<IOException>(() => file.Write("x"u8, 90_000));
        Assert.Throws<IOException>(() => disk.Open("/b", FileMode.OpenOrCreate, FileAccess.Write));
        Assert.Throws<IOException>(() => disk.CreateDirectory("/d"));
        Assert.Equal("x\0", Read(disk, "/a").Substring(4095, 2));
        disk.Move("/a", "/c", replaces: false);
        disk.Heal();
        file.Write("x"u8, 90_000);
    }

    [Fact]
    public void IsOutOfHandles_disk_opens_nothing()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        using IFile file = disk.Open("/a", FileMode.OpenOrCreate, FileAccess.ReadWrite);
        disk.IsOutOfHandles = true;

        Assert.Throws<IOException>(() => disk.Open("/a", FileMode.Open, FileAccess.Read));
        file.Write("x"u8, 0);
        disk.IsOutOfHandles = false;
        Assert.Equal("x", Read(disk, "/a"));
    }

    [Fact]
    public void FlipBit_of_a_file_is_seen_and_stays()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        disk.ReplaceAtomically("/a", "aaaa"u8);
        disk.FlipBit("/a", 8 + 1);

        Assert.Equal("acaa", Read(disk, "/a"));
        disk.Crash(isPowerCut: true);
        Assert.Equal("acaa", Read(disk, "/a"));
    }

    [Fact]
    public void Lose_of_a_file_or_directory_does_not_bring_it_back()
    {
        ForEachSeed(disk =>
        {
            disk.CreateDirectories("/d/e");
            disk.ReplaceAtomically("/d/e/a", "a"u8);
            disk.ReplaceAtomically("/d/b", "b"u8);
            disk.Move("/d/b", "/d/c", replaces: false);
            disk.Lose("/d/c");
            disk.Lose("/d/e");
            disk.Crash(isPowerCut: true);
            Assert.Empty(disk.FilesBelow("/"));
            Assert.True(disk.DirectoryExists("/d"));
            Assert.False(disk.DirectoryExists("/d/e"));
            return "";
        });
    }

    [Theory]
    [InlineData("/", "old old")]
    [InlineData("/d", "old new")]
    [InlineData("/d/a", "old new")]
    [InlineData("/b", "new old")]
    public void Snapshot_that_is_put_back_is_what_was_seen_then_and_durable(string path, string expected)
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        disk.CreateDirectories("/d");
        disk.ReplaceAtomically("/d/a", "old"u8);
        Write(disk, "/b", "old");
        SimDiskSnapshot snapshot = disk.Snapshot(path);
        disk.ReplaceAtomically("/d/a", "new"u8);
        disk.ReplaceAtomically("/b", "new"u8);
        for (int times = 0; times < 2; times++)
        {
            disk.RestoreFrom(snapshot);
            disk.Crash(isPowerCut: true);

            Assert.Equal(expected, $"{Read(disk, "/d/a")} {Read(disk, "/b")}");
            disk.ReplaceAtomically("/d/a", "new"u8);
            disk.ReplaceAtomically("/b", "new"u8);
        }
    }

    [Fact]
    public void Snapshot_of_what_was_not_there_removes_it()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        SimDiskSnapshot snapshot = disk.Snapshot("/a");
        disk.ReplaceAtomically("/a", "new"u8);
        disk.RestoreFrom(snapshot);

        Assert.Empty(disk.FilesBelow("/"));
    }

    /// <returns>What was seen with any of the seeds, each once and in order. The same seed sees the same.</returns>
    private static SortedSet<string> ForEachSeed(Func<SimDisk, string> scenario)
    {
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            string once = scenario(new SimDisk(new DeterministicRandom(seed)));
            Assert.Equal(once, scenario(new SimDisk(new DeterministicRandom(seed))));
            seen.Add(once);
        }

        return seen;
    }

    private static void Write(
        SimDisk disk, string path, string content, FileMode mode = FileMode.OpenOrCreate, bool isSynced = false)
    {
        using IFile file = disk.Open(path, mode, FileAccess.Write);
        file.Write(Encoding.ASCII.GetBytes(content), 0);
        if (isSynced)
        {
            file.SyncData();
        }
    }

    private static string Read(SimDisk disk, string path) => Encoding.ASCII.GetString(disk.ReadAllBytes(path));

    /// <summary>A sector for each of the letters.</summary>
    private static byte[] Sectors(string letters) =>
        [.. letters.SelectMany(letter => Enumerable.Repeat((byte)letter, Sector))];

    private static string FirstOf(byte[] content) => Encoding.ASCII.GetString(content);

    /// <summary>The first letter of each sector; 0 of one that was never written.</summary>
    private static string FirstOfSectors(SimDisk disk, string path) =>
        string.Concat(Read(disk, path).Chunk(Sector).Select(sector => sector[0] == 0 ? '0' : sector[0]));
}
