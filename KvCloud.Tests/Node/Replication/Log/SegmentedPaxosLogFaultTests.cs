using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Tests.Simulation;
using static KvCloud.Tests.Node.Replication.Log.LogEntries;

namespace KvCloud.Tests.Node.Replication.Log;

/// <summary>The log on a disk that loses, tears, refuses and damages, over thousands of lives.</summary>
public sealed class SegmentedPaxosLogFaultTests
{
    private const int SeedsOfBatch = 200;

    public static TheoryData<int> Batches() => [.. Enumerable.Range(0, 8)];

    [Theory]
    [MemberData(nameof(Batches))]
    public void Open_after_any_faults_holds_what_was_settled_or_refuses_what_was_damaged(int batch)
    {
        int crashes = 0;
        int refusals = 0;
        int harmless = 0;
        int segments = 0;
        for (int seed = (batch * SeedsOfBatch) + 1; seed <= (batch + 1) * SeedsOfBatch; seed++)
        {
            var life = new LogOnSimDisk((ulong)seed);
            try
            {
                life.Live(lives: 8);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}: {exception.Message}", exception);
            }

            crashes += life.Crashes;
            refusals += life.Refusals;
            harmless += life.HarmlessDamages;
            segments = Math.Max(segments, life.Segments);
        }

        // Or the test does not see what it is for.
        Assert.True(
            crashes > SeedsOfBatch && refusals > SeedsOfBatch / 10 && harmless > SeedsOfBatch / 10 && segments > 3,
            $"{crashes} crashes, {refusals} refusals, {harmless} damages without harm, {segments} segments");
    }

    [Fact]
    public void Open_that_failed_has_not_noted_in_the_mark_what_it_could_not_make_durable()
    {
        ForEachSeed(disk =>
        {
            Open(disk).Write([Effects(null, 0, Entry(1, "a"))]);
            disk.Crash(isPowerCut: true);
            SegmentedPaxosLog log = Open(disk);
            disk.BeginOperation();
            log.Write([Effects(null, 0, Entry(2, "b"))]);
            disk.Crash(isPowerCut: false);

            // The second entry may be in the page cache alone, and this start cannot change that.
            disk.FailNext(SimDiskCall.Sync, "/log/");
            Assert.Throws<LogFailedException>(() => Open(disk));
            disk.Crash(isPowerCut: true);

            Assert.InRange(Open(disk).LastSlot.Value, 1, 2);
        });
    }

    [Fact]
    public void Mark_that_a_killed_process_made_is_there_after_a_power_cut()
    {
        ForEachSeed(disk =>
        {
            disk.BeginOperation();
            Open(disk);
            disk.Crash(isPowerCut: false);
            Open(disk).Write([Effects(null, 0, Entry(1, "a"))]);
            disk.Crash(isPowerCut: true);

            Assert.Equal(new Slot(1), Open(disk).LastSlot);
        });
    }

    /// <summary>Else a log of an older day would pass beside a mark that fell back to that day.</summary>
    [Fact]
    public void Open_mark_that_it_has_read_is_there_after_a_power_cut()
    {
        ForEachSeed(disk =>
        {
            SegmentedPaxosLog log = Open(disk);
            log.Write([Effects(null, 0, Entry(1, "a"))]);
            SimDiskSnapshot olderDay = disk.Snapshot("/log");
            log.Write([Effects(null, 0, Entry(2, "b"))]);
            disk.FailNext(SimDiskCall.Sync, "/log.mark");
            Assert.Throws<LogFailedException>(log.Mark);
            disk.Crash(isPowerCut: false);
            Open(disk);
            disk.Crash(isPowerCut: true);
            disk.RestoreFrom(olderDay);

            Assert.Throws<LogCorruptException>(() => Open(disk));
        });
    }

    [Fact]
    public void Open_oldest_segment_that_is_lost_is_not_taken_for_one_that_was_trimmed()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        SegmentedPaxosLog log = Open(disk);
        for (int slot = 1; slot <= 40; slot++)
        {
            log.Write([Effects(null, slot, Entry(slot, new string('a', 2_000)))]);
        }

        log.TrimBelow(new Slot(20));
        log.Dispose();
        string oldest = disk.FilesBelow("/log").First(file => file.StartsWith("/log/0", StringComparison.Ordinal));
        Assert.NotEqual("/log/0000000001.log", oldest);
        Open(disk).Dispose();
        disk.Lose(oldest);

        LogCorruptException refusal = Assert.Throws<LogCorruptException>(() => Open(disk));
        Assert.Contains($"{oldest} is missing", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_that_the_system_refuses_says_so_and_the_log_goes_on()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        using SegmentedPaxosLog log = Open(disk);
        log.Write([Effects(null, 0, Entry(1, "a"))]);
        disk.IsOutOfHandles = true;
        Assert.Throws<LogUnreadableException>(() => log.Read(new Slot(1), new Slot(1), int.MaxValue));
        log.Write([Effects(null, 0, Entry(2, "b"))]);
        disk.Heal();

        Assert.Equal("1:a 2:b", Describe(log.Read(new Slot(1), new Slot(9), int.MaxValue)));
        disk.Lose("/log/0000000001.log");
        Assert.Throws<LogCorruptException>(() => log.Read(new Slot(1), new Slot(1), int.MaxValue));
    }

    [Fact]
    public void Open_with_segments_of_another_size_goes_on()
    {
        var disk = new SimDisk(new DeterministicRandom(1));
        for (int life = 0; life < 6; life++)
        {
            int sizeBytes = (8 + (8 * (life % 3))) * 1024;
            using var log = SegmentedPaxosLog.Open(
                disk, "/log", options: new SegmentedLogOptions { SegmentSizeBytes = sizeBytes, RunLater = _ => { } });
            for (int slot = 1; slot <= 10; slot++)
            {
                log.Write([Effects(null, 0, Entry((10 * life) + slot, new string('a', 1_500)))]);
            }

            Assert.Equal(10 * (life + 1), log.Read(new Slot(1), new Slot(99), int.MaxValue).Count);
        }
    }

    private static SegmentedPaxosLog Open(SimDisk disk) => SegmentedPaxosLog.Open(
        disk, "/log", options: new SegmentedLogOptions { SegmentSizeBytes = 16 * 1024, RunLater = _ => { } });

    private static void ForEachSeed(Action<SimDisk> scenario)
    {
        for (ulong seed = 1; seed <= 100; seed++)
        {
            scenario(new SimDisk(new DeterministicRandom(seed)));
        }
    }
}
