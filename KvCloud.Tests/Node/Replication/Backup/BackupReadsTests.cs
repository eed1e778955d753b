using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.Replication.Backup;

public sealed class BackupReadsTests
{
    private const int KeepMs = 60_000;

    [Theory]
    [InlineData("memory")]
    [InlineData("rocks")]
    public void OpenSnapshot_has_files_that_are_a_store_of_the_slot_it_says(string kind)
    {
        using var fixture = new BackupFixture(kind);
        fixture.Apply(Set("a", "1"), Set("b", "2"));
        fixture.Apply(Set("a", "3"));

        ServedSnapshot snapshot = fixture.StageSnapshot();
        fixture.Apply(Set("a", "4"));

        Assert.Equal(new AppliedState(new Slot(2), new CommitVersion(3), snapshot.Manifest.State.StateHash),
            snapshot.Manifest.State);
        Assert.Equal(fixture.State.UnixMs, snapshot.UnixMs);
        Assert.All(snapshot.Manifest.Files, file => Assert.Equal(
            file.Hash, FileHash.Of(SystemFiles.Instance, Path.Combine(fixture.Staging, "data", file.Name))));
        using IKvStore copy = fixture.OpenStore(Path.Combine(fixture.Staging, "data"));
        Assert.Equal(snapshot.Manifest.State, KvStoreExecutor.ReadApplied(copy));
    }

    [Fact]
    public void OpenSnapshot_without_one_has_the_worker_make_it_and_then_all_get_the_same()
    {
        using var fixture = new BackupFixture();
        fixture.Apply(Set("a", "1"));

        Assert.Equal(
            BackupOutcome.NotYet, fixture.Reads.OpenSnapshot(1, new Slot(-1), out ServedSnapshot? none, out _));
        Assert.Null(none);
        Assert.Equal(1, fixture.Wakes);
        ServedSnapshot first = fixture.TakeSnapshot();
        fixture.Apply(Set("a", "2"));

        Assert.Equal(
            BackupOutcome.Ready, fixture.Reads.OpenSnapshot(2, new Slot(-1), out ServedSnapshot? second, out _));
        Assert.Same(first, second);
        Assert.NotSame(first, fixture.TakeSnapshot(above: 1));
        Assert.Equal(2, fixture.Server.Made);
    }

    [Fact]
    public void OpenSnapshot_that_cannot_be_made_says_why_and_is_tried_again()
    {
        using var fixture = new BackupFixture();
        fixture.Apply(Set("a", "1"));
        string blocked = fixture.Sub("checkpoint");
        File.WriteAllText(blocked, "in the way");

        fixture.Reads.OpenSnapshot(1, new Slot(-1), out _, out _);
        fixture.Server.Run();
        Assert.Equal(
            BackupOutcome.Unreadable, fixture.Reads.OpenSnapshot(1, new Slot(-1), out _, out string? error));
        Assert.False(string.IsNullOrEmpty(error));

        File.Delete(blocked);
        Assert.Equal(1, fixture.TakeSnapshot().Manifest.State.Slot.Value);
    }

    [Fact]
    public void ReadSnapshot_of_another_or_one_that_nobody_asked_for_is_gone()
    {
        using var fixture = new BackupFixture();
        fixture.Apply(Set("a", "1"));
        ServedSnapshot snapshot = fixture.TakeSnapshot();
        Assert.Equal(BackupOutcome.Ready, Read(snapshot.Id, 0));

        Assert.Equal(BackupOutcome.Gone, Read(snapshot.Id + 1, 0));
        Assert.Equal(BackupOutcome.Gone, Read(snapshot.Id, snapshot.Manifest.Files.Count));
        fixture.Clock.NowUs += KeepMs * 1_000L;
        fixture.Server.Run(RunReason.TimedOut);
        Assert.Equal(BackupOutcome.Ready, Read(snapshot.Id, 0));
        fixture.Clock.NowUs += (KeepMs + 1) * 1_000L;
        fixture.Server.Run(RunReason.TimedOut);
        Assert.Equal(BackupOutcome.Gone, Read(snapshot.Id, 0));

        BackupOutcome Read(long id, int file) =>
            fixture.Reads.ReadSnapshot(BackupFixture.ReaderId, id, file, 0, 10, out _);
    }

    [Fact]
    public void ReadLog_gives_what_is_chosen_and_applied_and_no_more()
    {
        using var fixture = new BackupFixture();
        fixture.Apply(Set("a", "1"));
        fixture.Apply(Set("a", "2"), Set("a", "3"));
        fixture.ApplyValue(Value.NoOp(new Ballot(1, new NodeId(0))));

        // In the log, but neither chosen nor applied.
        var open = new Effects();
        open.Append.Add(new LogEntry(new Slot(4), new Ballot(1, new NodeId(0)), fixture.State.Log[0].Value));
        fixture.Log.Write([open]);

        LogRead read = fixture.Reads.ReadLog(1, new Slot(2), BackupReads.MaxLogBytes);

        Assert.Equal((BackupOutcome.Ready, new Slot(3), new Slot(1)),
            (read.Outcome, read.Applied.Slot, read.FirstAvailable));
        Assert.Equal((new Slot(2), new Slot(3)), (read.Block!.First, read.Block.Last));
        Assert.Equal(new CommitVersion(3), read.Block.AppliedVersion);
        Assert.Equal(BackupFixture.ClusterId, read.Block.ClusterId);
        Assert.True(fixture.Reads.HasAnswer(new Slot(3)));
        Assert.False(fixture.Reads.HasAnswer(new Slot(4)));
        Assert.Equal(BackupOutcome.NotYet, fixture.Reads.ReadLog(1, new Slot(4), 1).Outcome);
    }

    [Fact]
    public void ReadLog_below_the_log_says_where_it_begins()
    {
        using var fixture = new BackupFixture();
        for (int i = 0; i < 5; i++)
        {
            fixture.Apply(Set("a", "1"));
        }

        fixture.Log.TrimBelow(new Slot(4));

        LogRead read = fixture.Reads.ReadLog(1, new Slot(3), 1000);
        Assert.Equal((BackupOutcome.Trimmed, new Slot(4)), (read.Outcome, read.FirstAvailable));
        Assert.True(fixture.Reads.HasAnswer(new Slot(3)));
        Assert.Null(fixture.Server.Pins.PinnedSlot);
        Assert.Equal(BackupOutcome.Ready, fixture.Reads.ReadLog(1, new Slot(4), 1000).Outcome);
    }

    [Fact]
    public void ReadLog_keeps_what_follows_for_as_long_as_it_goes_on()
    {
        using var fixture = new BackupFixture();
        for (int i = 0; i < 5; i++)
        {
            fixture.Apply(Set("a", "1"));
        }

        fixture.TakeSnapshot();
        fixture.Reads.ReadLog(BackupFixture.ReaderId, new Slot(3), 1);
        Assert.Equal(new Slot(2), fixture.Server.Pins.PinnedSlot);

        // One that always has all there is may go on for ever; one that is too slow may not.
        for (int i = 0; i < 30; i++)
        {
            fixture.Clock.NowUs += KeepMs * 1_000L;
            fixture.Reads.ReadLog(BackupFixture.ReaderId, new Slot(6), 1);
        }

        fixture.Clock.NowUs += 1;
        fixture.Server.Run(RunReason.TimedOut);
        Assert.Equal(new Slot(5), fixture.Server.Pins.PinnedSlot);
        for (int i = 0; i < 11; i++)
        {
            fixture.Clock.NowUs += (KeepMs - 1) * 1_000L;
            fixture.Apply(Set("a", "1"));
            if (i < 10)
            {
                fixture.Reads.ReadLog(BackupFixture.ReaderId, new Slot(6), 1);
            }
        }

        Assert.Null(fixture.Server.Pins.PinnedSlot);
    }

    [Fact]
    public void TryNoteServed_of_more_backups_than_the_log_is_kept_for_is_refused_until_one_ends()
    {
        using var fixture = new BackupFixture();
        fixture.Apply(Set("a", "1"));
        for (int reader = 0; reader < LogPins.MaxBackups; reader++)
        {
            Assert.Equal(BackupOutcome.Ready, fixture.Reads.ReadLog(reader, new Slot(1), 1).Outcome);
        }

        Assert.Equal(BackupOutcome.TooMany, fixture.Reads.ReadLog(100, new Slot(1), 1).Outcome);
        Assert.Equal(BackupOutcome.Ready, fixture.Reads.ReadLog(3, new Slot(1), 1).Outcome);
        fixture.Clock.NowUs += (KeepMs + 1) * 1_000L;
        Assert.Equal(BackupOutcome.Ready, fixture.Reads.ReadLog(100, new Slot(1), 1).Outcome);
    }

    /// <summary>
    /// tikv/tikv#12903: a backup went on while collection took from under it what it had still to read, and ended as a
    /// success. A checkpoint is hard links: what the store drops later is not dropped from it.
    /// </summary>
    [Theory]
    [InlineData("memory")]
    [InlineData("rocks")]
    public void ReadSnapshot_beside_collection_has_every_version_that_the_moment_had(string kind)
    {
        using var fixture = new BackupFixture(kind);
        fixture.State.Retention = new MvccRetention(1_000_000_000, 1_000_000);
        for (int i = 0; i < 200; i++)
        {
            fixture.Apply(Set($"k{i % 20}", $"v{i}"), Delete($"k{(i + 7) % 20}"));
        }

        ServedSnapshot snapshot = fixture.TakeSnapshot();
        string? early = fixture.State.Get("k3", at: 100);
        Assert.Equal("v43", early);
        fixture.State.Retention = new MvccRetention(0, 0);
        for (int i = 0; i < 200; i++)
        {
            fixture.Apply(Set($"k{i % 20}", "new"), Delete($"k{(i + 7) % 20}"));
            while (fixture.State.Executor.CollectIdle())
            {
            }

            fixture.State.Executor.Flush();
        }

        while (fixture.State.Store.CompactPiece(long.MaxValue))
        {
        }

        Assert.Equal(KvStatus.VersionTooOld, fixture.State.Reader.Get(null, Bytes("k3"), new CommitVersion(100)).Code);
        fixture.StageSnapshot();
        using IKvStore copy = fixture.OpenStore(Path.Combine(fixture.Staging, "data"));
        using var restored = new KvStoreExecutor(copy);
        Assert.Equal(snapshot.Manifest.State, restored.Applied);
        byte[]? held = restored.Reader.Get(null, Bytes("k3"), new CommitVersion(100)).Value;
        Assert.Equal(early, held is null ? null : System.Text.Encoding.UTF8.GetString(held));
    }
}
