using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Simulation;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replication.Snapshots;

/// <summary>The swap of data store and snapshot, cut off anywhere, on a simulated disk.</summary>
public sealed class SnapshotInstallerTests
{
    private const string Directory = "/node";
    private const string Cluster = "mine";

    private static readonly SnapshotPaths Paths = new(Directory);
    private static readonly Ballot Promised = new(7, new NodeId(2));
    private static readonly AppliedState Snapshot = new(new Slot(10), new CommitVersion(5), 0xABCD);

    /// <summary>
    /// Each seed crashes or cuts the power at other moments until the replica has the snapshot. Promise and votes above
    /// it are there at any time, and nothing is ever opened that is neither the old data nor the new.
    /// </summary>
    [Fact]
    public void PutInPlace_cut_off_anywhere_goes_on_and_forgets_no_promise_and_no_vote()
    {
        for (ulong seed = 1; seed <= 300; seed++)
        {
            var random = new DeterministicRandom(seed);
            SimDisk disk = Prepare(random);
            bool isDone = false;
            for (int attempt = 0; attempt < 50 && !isDone; attempt++)
            {
                // Later attempts are left alone, so that there is an end.
                bool isCut = attempt < 8 && random.Chance(800);
                disk.BeginOperation();
                using (SegmentedPaxosLog log = OpenLog(disk))
                {
                    Assert.Equal(Promised, log.Promised);
                    Assert.Equal("12:l", Describe(log.Read(new Slot(11), new Slot(20), 1000)));
                    Install(disk, log);
                }

                disk.EndOperation();
                if (isCut)
                {
                    disk.Crash(isPowerCut: random.Chance(500));
                    continue;
                }

                disk.Settle();
                isDone = true;
            }

            using SegmentedPaxosLog opened = OpenLog(disk);
            Assert.Equal(new Slot(10), opened.ChosenSlot);
            Assert.Equal(new Slot(11), opened.FirstSlot);
            Assert.Equal(Promised, opened.Promised);
            Assert.Equal("new", ContentIn(disk, Paths.Data));
            Assert.False(disk.FileExists(Paths.Install));
            Assert.False(disk.DirectoryExists(Paths.Incoming));
            Assert.False(disk.DirectoryExists(Paths.Replaced));
        }
    }

    [Fact]
    public void PutInPlace_second_snapshot_right_behind_the_first_cut_off_anywhere_goes_on()
    {
        var second = new AppliedState(new Slot(20), new CommitVersion(9), 0xBCDE);
        for (ulong seed = 1; seed <= 300; seed++)
        {
            var random = new DeterministicRandom(seed);
            SimDisk disk = Prepare(random);
            InstallUntilDone(disk, random, "new", Snapshot);
            disk.CreateDirectories(Paths.Incoming);
            Write(disk, Paths.Incoming, "newer"u8);
            Record(disk, second);
            InstallUntilDone(disk, random, "newer", second);

            using SegmentedPaxosLog opened = OpenLog(disk);
            Assert.Equal((new Slot(20), new Slot(21)), (opened.ChosenSlot, opened.FirstSlot));
            Assert.Equal(Promised, opened.Promised);
            Assert.Equal("newer", ContentIn(disk, Paths.Data));
            Assert.False(disk.FileExists(Paths.Install));
            Assert.False(disk.DirectoryExists(Paths.Incoming));
            Assert.False(disk.DirectoryExists(Paths.Replaced));
        }
    }

    [Fact]
    public void PutInPlace_log_that_has_got_beyond_it_discards_the_snapshot()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        using SegmentedPaxosLog log = OpenLog(disk);
        log.Write([Effects(null, chosen: 10)]);

        Assert.Null(SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster));

        Assert.Equal("old", ContentIn(disk, Paths.Data));
        Assert.False(disk.FileExists(Paths.Install));
        Assert.False(disk.DirectoryExists(Paths.Incoming));
    }

    /// <summary>Data that are made anew are of an earlier slot than the log, which has what follows.</summary>
    [Fact]
    public void PutInPlace_of_data_that_are_made_anew_replaces_them_although_the_log_has_got_beyond()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        using SegmentedPaxosLog log = OpenLog(disk);
        log.Write([Effects(null, chosen: 12, Entry(10, "j"), Entry(11, "k"))]);
        new RebuildMark(new StoreDamage("versions", "000012.sst", "block checksum mismatch")).Write(disk, Paths);

        SnapshotManifest manifest = SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster)!;
        SnapshotInstaller.Finish(disk, Paths, log, Snapshot, manifest);

        Assert.Equal("new", ContentIn(disk, Paths.Data));
        Assert.Null(RebuildMark.Read(disk, Paths));
        Assert.Equal(new Slot(12), log.ChosenSlot);
        Assert.Equal("11:k 12:l", Describe(log.Read(new Slot(11), new Slot(20), 1000)));
    }

    [Fact]
    public void PutInPlace_of_data_whose_log_begins_later_discards_them_and_keeps_the_mark()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        using SegmentedPaxosLog log = OpenLog(disk);
        log.Write([Effects(null, chosen: 12, Entry(10, "j"), Entry(11, "k"))]);
        log.TrimBelow(new Slot(12));
        new RebuildMark(null).Write(disk, Paths);

        Assert.Null(SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster));

        Assert.Equal("old", ContentIn(disk, Paths.Data));
        Assert.Equal(new RebuildMark(null), RebuildMark.Read(disk, Paths));
    }

    [Fact]
    public void Read_mark_says_again_what_was_found()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        Assert.Null(RebuildMark.Read(disk, Paths));
        foreach (RebuildMark mark in (RebuildMark[])
        [
            new(null),
            new(new StoreDamage("versions", "000012.sst", "it is bad")),
            new(new StoreDamage(null, null, "?")),
        ])
        {
            mark.Write(disk, Paths);
            Assert.Equal(mark, RebuildMark.Read(disk, Paths));
        }
    }

    [Theory]
    [InlineData("x")]
    [InlineData("kvcloud rebuild 1\n")]
    [InlineData("kvcloud rebuild 1\ndamaged\n")]
    [InlineData("kvcloud rebuild 2\nordered")]
    public void Read_mark_that_is_unreadable_counts_as_damage(string content)
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));

        disk.WriteAllBytes(Paths.Rebuild, System.Text.Encoding.UTF8.GetBytes(content));

        Assert.NotNull(RebuildMark.Read(disk, Paths)!.Damage);
    }

    [Fact]
    public void Finish_data_that_does_not_hold_what_the_manifest_says_is_refused()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        using SegmentedPaxosLog log = OpenLog(disk);
        SnapshotManifest manifest = SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster)!;

        foreach (AppliedState held in (AppliedState[])
            [Snapshot with { Slot = new Slot(9) }, Snapshot with { StateHash = 1 }])
        {
            Assert.Throws<StoreCorruptException>(
                () => SnapshotInstaller.Finish(disk, Paths, log, held, manifest));
        }

        Assert.Equal(new Slot(2), log.ChosenSlot);
    }

    [Fact]
    public void PutInPlace_file_that_is_missing_or_short_is_refused_before_anything_is_moved()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        using SegmentedPaxosLog log = OpenLog(disk);
        disk.WriteAllBytes(Path.Combine(Paths.Incoming, "content"), "ne"u8);
        Assert.Throws<StoreCorruptException>(() => SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster));
        disk.Delete(Path.Combine(Paths.Incoming, "content"));
        Assert.Throws<StoreCorruptException>(() => SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster));

        Assert.Equal("old", ContentIn(disk, Paths.Data));
    }

    [Fact]
    public void PutInPlace_snapshot_of_another_cluster_is_refused()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        using SegmentedPaxosLog log = OpenLog(disk);

        Assert.Throws<StoreCorruptException>(() => SnapshotInstaller.PutInPlace(disk, Paths, log, "another"));
    }

    [Fact]
    public void PutInPlace_checkpoint_of_an_earlier_process_is_removed_and_what_was_fetched_stays()
    {
        SimDisk disk = Prepare(new DeterministicRandom(1));
        disk.Delete(Paths.Install);
        disk.CreateDirectory(Paths.Checkpoint);
        disk.WriteAllBytes(Path.Combine(Paths.Checkpoint, "content"), "x"u8);
        using SegmentedPaxosLog log = OpenLog(disk);

        Assert.Null(SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster));

        Assert.False(disk.DirectoryExists(Paths.Checkpoint));
        Assert.True(disk.DirectoryExists(Paths.Incoming));
        Assert.Equal("old", ContentIn(disk, Paths.Data));
    }

    private static void Install(SimDisk disk, SegmentedPaxosLog log)
    {
        SnapshotManifest? manifest = SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster);
        if (manifest is not null)
        {
            Assert.Equal("new", ContentIn(disk, Paths.Data));
            SnapshotInstaller.Finish(disk, Paths, log, Snapshot, manifest);
        }
    }

    /// <summary>Starts again and again, some of them cut off, until one comes to its end.</summary>
    private static void InstallUntilDone(
        SimDisk disk, DeterministicRandom random, string content, AppliedState snapshot)
    {
        for (int attempt = 0; ; attempt++)
        {
            bool isCut = attempt < 8 && random.Chance(800);
            disk.BeginOperation();
            using (SegmentedPaxosLog log = OpenLog(disk))
            {
                if (SnapshotInstaller.PutInPlace(disk, Paths, log, Cluster) is SnapshotManifest manifest)
                {
                    Assert.Equal(content, ContentIn(disk, Paths.Data));
                    SnapshotInstaller.Finish(disk, Paths, log, snapshot, manifest);
                }
            }

            disk.EndOperation();
            if (!isCut)
            {
                disk.Settle();
                return;
            }

            disk.Crash(isPowerCut: random.Chance(500));
        }
    }

    /// <summary>Old data, a log with votes above the snapshot, and the snapshot.</summary>
    private static SimDisk Prepare(DeterministicRandom random)
    {
        var disk = new SimDisk(random);
        disk.CreateDirectories(Paths.Data);
        disk.CreateDirectories(Paths.Incoming);
        Write(disk, Paths.Data, "old"u8);
        Write(disk, Paths.Incoming, "new"u8);
        using (SegmentedPaxosLog log = OpenLog(disk))
        {
            log.Write([Effects(Promised, chosen: 2, Entry(1, "a"), Entry(2, "b"), Entry(9, "i"), Entry(12, "l"))]);
        }

        Record(disk, Snapshot);
        return disk;
    }

    /// <summary>What is in the folder of what comes in is a whole snapshot, to be put in place.</summary>
    private static void Record(SimDisk disk, AppliedState state)
    {
        string file = Path.Combine(Paths.Incoming, "content");
        int length = disk.ReadAllBytes(file).Length;
        disk.ReplaceAtomically(
            Paths.Install,
            new SnapshotManifest(
                Cluster, state, [new SnapshotFile("content", length, FileHash.Of(disk, file))]).Encode());
    }

    private static void Write(SimDisk disk, string directory, ReadOnlySpan<byte> content) =>
        disk.ReplaceAtomically(Path.Combine(directory, "content"), content);

    private static string ContentIn(SimDisk disk, string directory) =>
        System.Text.Encoding.UTF8.GetString(disk.ReadAllBytes(Path.Combine(directory, "content")));

    private static SegmentedPaxosLog OpenLog(SimDisk disk) => SegmentedPaxosLog.Open(
        disk,
        Directory + "/log",
        options: new SegmentedLogOptions { SegmentSizeBytes = 8192, RunLater = _ => { } });
}
