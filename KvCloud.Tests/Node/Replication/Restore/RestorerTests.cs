using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Replication.Backup;
using KvCloud.Tests.Node.State;
using KvCloud.Tests.Support;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.Replication.Restore;

/// <summary>A restore of what a store and a log gave to a backup, up to any point.</summary>
public sealed class RestorerTests
{
    private const string NewCluster = "restored";

    private static readonly int[] Nodes = [4, 5, 6];

    [Theory]
    [InlineData("memory")]
    [InlineData("rocks")]
    public void Run_to_the_end_makes_a_group_of_the_same_data_with_higher_versions(string kind)
    {
        using var fixture = new BackupFixture(kind);
        Write(fixture, from: 0, slots: 10);
        fixture.StageSnapshot();
        Write(fixture, from: 10, slots: 10);
        fixture.StageLog(11);

        RestoreResult result = Restore(fixture, RestorePoint.End);

        Assert.Equal((20L, 40L), (result.Slot.Value, result.Version.Value));
        Assert.Equal(2 * FirstVersions.Gap, result.FirstVersion.Value);
        Assert.Equal(fixture.State.UnixMs, result.UnixMs);
        foreach (int node in Nodes)
        {
            using ReplicaStorage storage = Open(fixture, node);
            Assert.Equal(string.Join(',', Nodes), storage.Directory.Identity.Voters);
            Assert.False(storage.Directory.Identity.IsFormed);
            RestoredState restored = Recovery.Restore(storage.Log, storage.Executor);
            Assert.Equal((Ballot.Zero, new Slot(20)), (restored.Promised, restored.ChosenSlot));
            Assert.Empty(restored.Entries);
            Assert.Null(restored.Members);
            Assert.Equal(
                new AppliedState(new Slot(20), result.FirstVersion, result.StateHash), storage.Executor.Applied);
            Assert.Equal("19", Get(storage.Executor, "last"));
            Assert.Equal("7", Get(storage.Executor, "k7"));
        }

        Assert.Equal(3, Nodes.Select(node => IncarnationOf(fixture, node)).Distinct().Count());
        Assert.False(Directory.Exists(fixture.Target + ".replay"));
        Assert.False(File.Exists(fixture.Target + ".lock"));
    }

    /// <summary>Each version is one command; two are in a slot.</summary>
    [Fact]
    public void Run_to_any_version_shows_what_the_source_had_at_that_version_even_within_a_slot()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        fixture.StageSnapshot();
        Write(fixture, from: 5, slots: 10);
        fixture.StageLog(6);
        for (long version = 10; version <= 30; version++)
        {
            RestoreResult result = Restore(fixture, new RestorePoint(Version: new CommitVersion(version)));

            Assert.Equal(version, result.Version.Value);
            using ReplicaStorage storage = Open(fixture, 4);
            foreach (string key in Enumerable.Range(0, 15).Select(i => $"k{i}").Append("last"))
            {
                Assert.Equal(fixture.State.Get(key, at: version), Get(storage.Executor, key));
            }

            storage.Dispose();
            Directory.Delete(fixture.Target, recursive: true);
        }
    }

    [Fact]
    public void Run_to_a_slot_or_a_time_stops_before_what_came_later()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        fixture.StageSnapshot();
        long snapshotMs = fixture.State.UnixMs;
        Write(fixture, from: 5, slots: 10);
        fixture.StageLog(6);

        Assert.Equal(9, Restore(fixture, new RestorePoint(Slot: new Slot(9))).Slot.Value);
        Directory.Delete(fixture.Target, recursive: true);
        RestoreResult byTime = Restore(fixture, new RestorePoint(UnixMs: snapshotMs + 30));
        Assert.Equal((8L, snapshotMs + 30), (byTime.Slot.Value, byTime.UnixMs));
        Directory.Delete(fixture.Target, recursive: true);
        Assert.Equal(15, Restore(fixture, new RestorePoint(UnixMs: snapshotMs + 1_000_000)).Slot.Value);
    }

    [Fact]
    public void Run_to_a_point_that_the_backup_does_not_hold_is_refused()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        fixture.StageSnapshot();
        long snapshotMs = fixture.State.UnixMs;
        Write(fixture, from: 5, slots: 5);
        fixture.StageLog(6);

        Refuses(fixture, new RestorePoint(Version: new CommitVersion(9)), RestoreFlaw.Request, "older snapshot");
        Refuses(fixture, new RestorePoint(Slot: new Slot(4)), RestoreFlaw.Request, "older snapshot");
        Refuses(fixture, new RestorePoint(UnixMs: snapshotMs - 1), RestoreFlaw.Request, "older snapshot");
        Refuses(fixture, new RestorePoint(Version: new CommitVersion(21)), RestoreFlaw.Request, "ends at slot 10");
        Refuses(fixture, new RestorePoint(Slot: new Slot(11)), RestoreFlaw.Request, "ends at slot 10");
    }

    [Fact]
    public void Run_of_a_backup_with_a_gap_or_damage_or_of_two_clusters_is_refused_by_name()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        fixture.StageSnapshot();
        Write(fixture, from: 5, slots: 20);
        fixture.StageLog(6);
        string[] blocks = [.. Directory.GetFiles(Path.Combine(fixture.Staging, "log")).Order()];
        Assert.True(blocks.Length > 3);

        WithChange(blocks[1], _ => null, "a block is missing");
        WithChange(blocks[0], _ => null, "a block is missing");
        WithChange(blocks[2], content => [.. content[..40], (byte)(content[40] ^ 1), .. content[41..]], blocks[2]);
        WithChange(blocks[2], content => content[..^5], blocks[2]);
        WithChange(
            blocks[2],
            content => (LogBlock.Decode(content) with { ClusterId = "another" }).Encode(),
            "belongs to cluster 'another'");
        Assert.Equal(25, Restore(fixture, RestorePoint.End).Slot.Value);

        void WithChange(string path, Func<byte[], byte[]?> change, string text)
        {
            byte[] whole = File.ReadAllBytes(path);
            File.Delete(path);
            if (change(whole) is { } changed)
            {
                File.WriteAllBytes(path, changed);
            }

            Refuses(fixture, RestorePoint.End, RestoreFlaw.Backup, text);
            File.WriteAllBytes(path, whole);
        }
    }

    [Fact]
    public void Run_without_a_snapshot_or_with_the_old_id_or_over_something_is_refused()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        Refuses(fixture, RestorePoint.End, RestoreFlaw.Backup, "there is no snapshot");
        fixture.StageSnapshot();

        // Without a block of the log nothing in the staging says whose it is.
        Assert.Contains(
            "give the restored group another id",
            Assert.Throws<RestoreRefusedException>(() => Restorer(fixture).Run(Request(fixture) with
            {
                ClusterId = BackupFixture.ClusterId,
            })).Message,
            StringComparison.Ordinal);
        fixture.StageLog(1);
        Assert.Contains(
            $"belongs to cluster '{BackupFixture.ClusterId}', the backup to 'mistaken'",
            Assert.Throws<RestoreRefusedException>(() => Restorer(fixture).Run(Request(fixture) with
            {
                SourceClusterId = "mistaken",
            })).Message,
            StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(fixture.Target, "something"));
        Refuses(fixture, RestorePoint.End, RestoreFlaw.Target, "not empty");
        Directory.Delete(Path.Combine(fixture.Target, "something"));

        Restore(fixture, RestorePoint.End);
        Refuses(fixture, RestorePoint.End, RestoreFlaw.Target, "not empty");
    }

    [UnixFact]
    public void Run_to_a_mount_point_is_refused_by_name_before_anything_is_read()
    {
        using var fixture = new BackupFixture();

        RestoreRefusedException refused = Assert.Throws<RestoreRefusedException>(
            () => Restorer(fixture).Run(Request(fixture) with { Target = "/dev" }));

        Assert.Equal(RestoreFlaw.Target, refused.Flaw);
        Assert.StartsWith("/dev is a mount point", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists("/dev.lock"));
    }

    /// <summary>etcd-io/etcd#16028: who watched or cached by version took the restored data for what he knew.</summary>
    [Fact]
    public void Run_answers_no_version_of_before_and_issues_none_again()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        fixture.StageSnapshot();
        Write(fixture, from: 5, slots: 5);
        fixture.StageLog(6);

        // The backup knows of version 20; the source may have gone on to any up to the new first one.
        RestoreResult result = Restore(fixture, new RestorePoint(Version: new CommitVersion(15)));
        using ReplicaStorage storage = Open(fixture, 4);
        KvReader reader = storage.Executor.Reader;
        foreach (long version in (long[])[12, 15, 18, 20, 1_000_000, result.FirstVersion.Value - 1])
        {
            Assert.Equal(KvStatus.VersionTooOld, reader.Get(null, Bytes("last"), new CommitVersion(version)).Code);
        }

        Assert.Equal(KvStatus.Ok, reader.Get(null, Bytes("last"), result.FirstVersion).Code);
        CommandResult refused = ApplyTo(
            storage, 9, Commit(20, [Mutate(MutationKind.Set, "a", "1")], conflictKeys: ["last"]));
        Assert.Equal(KvStatus.VersionTooOld, refused.Code);
        CommandResult first = ApplyTo(storage, 10, Set("a", "1"));
        Assert.Equal(result.FirstVersion.Next, first.Version);
    }

    [Fact]
    public void Run_keeps_what_sessions_were_told_before_the_point_and_knows_none_of_after()
    {
        using var fixture = new BackupFixture();
        long before = fixture.Apply(new OpenSessionCommand())[0].Version.Value;
        KvCommand told = Set("a", "1") with { Identity = new RequestIdentity(before, 1, 1) };
        CommandResult answer = fixture.Apply(told)[0];
        fixture.StageSnapshot();
        fixture.Apply(Set("b", "1"));
        long after = fixture.Apply(new OpenSessionCommand())[0].Version.Value;
        fixture.StageLog(3);

        RestoreResult result = Restore(fixture, new RestorePoint(Slot: new Slot(3)));
        using ReplicaStorage storage = Open(fixture, 4);
        Assert.Equal(answer.Version, ApplyTo(storage, 4, told).Version);
        Assert.Equal(
            KvStatus.SessionExpired,
            ApplyTo(storage, 5, Set("a", "2") with { Identity = new RequestIdentity(after, 1, 1) }).Code);
        Assert.True(ApplyTo(storage, 6, new OpenSessionCommand()).Version > result.FirstVersion);
    }

    [Fact]
    public void Run_twice_is_the_same_state_and_of_another_id_or_version_another()
    {
        using var fixture = new BackupFixture();
        Write(fixture, from: 0, slots: 5);
        fixture.StageSnapshot();
        Write(fixture, from: 5, slots: 5);
        fixture.StageLog(6);

        RestoreRequest request = Request(fixture) with { FirstVersion = new CommitVersion(1L << 40) };
        ulong once = HashOf(request);
        Assert.Equal(once, HashOf(request));
        Assert.NotEqual(once, HashOf(request with { ClusterId = "third" }));
        Assert.NotEqual(once, HashOf(request with { FirstVersion = new CommitVersion((1L << 40) + 1) }));
        Assert.NotEqual(once, fixture.State.Executor.Applied.StateHash);

        ulong HashOf(RestoreRequest asked)
        {
            ulong hash = Restorer(fixture).Run(asked).StateHash;
            Directory.Delete(fixture.Target, recursive: true);
            return hash;
        }
    }

    [Fact]
    public void Run_of_a_backup_with_members_forgets_them()
    {
        using var fixture = new BackupFixture();
        fixture.Apply(Set("a", "1"));
        var members = GroupMembers.Initial([new NodeId(0), new NodeId(1)]);
        fixture.ApplyValue(new Value(new Ballot(1, new NodeId(0)), ValueKind.Membership, members.Encode()));
        Assert.NotNull(fixture.State.Executor.Members);
        fixture.StageSnapshot();
        fixture.StageLog(1);

        Restore(fixture, RestorePoint.End);

        using ReplicaStorage storage = Open(fixture, 4);
        Assert.Null(storage.Executor.Members);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(FirstVersions.Gap, 2)]
    [InlineData(FirstVersions.Gap + 1, 3)]
    public void After_any_version_is_the_next_but_one_multiple_of_the_gap(long known, long multiple) =>
        Assert.Equal(multiple * FirstVersions.Gap, FirstVersions.After(new CommitVersion(known)).Value);

    [Fact]
    public void Check_first_version_that_is_not_above_all_or_too_high_is_refused()
    {
        var known = new CommitVersion(20);
        Assert.Throws<RestoreRefusedException>(() => FirstVersions.Check(known, known));
        Assert.Throws<RestoreRefusedException>(() => FirstVersions.Check(new CommitVersion(1L << 53), known));
        Assert.Throws<RestoreRefusedException>(() => FirstVersions.After(new CommitVersion((1L << 53) - 1)));
        Assert.Equal(known.Next, FirstVersions.Check(known.Next, known));
    }

    private static Restorer Restorer(BackupFixture fixture) =>
        new(SystemFiles.Instance, new RestoreStores(fixture.OpenStore, fixture.OpenStore), _ => { });

    private static RestoreRequest Request(BackupFixture fixture) =>
        new(fixture.Staging, BackupFixture.ClusterId, fixture.Target, Nodes, NewCluster, RestorePoint.End);

    private static RestoreResult Restore(BackupFixture fixture, RestorePoint until) =>
        Restorer(fixture).Run(Request(fixture) with { Until = until });

    private static void Refuses(BackupFixture fixture, RestorePoint until, RestoreFlaw flaw, string text)
    {
        bool wasThere = Directory.Exists(fixture.Target);
        RestoreRefusedException refused = Assert.Throws<RestoreRefusedException>(() => Restore(fixture, until));
        Assert.Equal(flaw, refused.Flaw);
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.Equal(wasThere, Directory.Exists(fixture.Target));
    }

    private static ReplicaStorage Open(BackupFixture fixture, int node) => ReplicaStorage.Open(
        SystemFiles.Instance,
        DataDirectory.Open(
            SystemFiles.Instance, DataDirectory.PathOf(fixture.Target, node), NewCluster, node,
            string.Join(',', Nodes)),
        fixture.OpenStore,
        SegmentedLogOptions.Default);

    private static long IncarnationOf(BackupFixture fixture, int node)
    {
        using ReplicaStorage storage = Open(fixture, node);
        return storage.Directory.Identity.Incarnation;
    }

    private static string? Get(KvStoreExecutor executor, string key)
    {
        byte[]? value = executor.Reader.Get(null, Bytes(key), at: null).Value;
        return value is null ? null : System.Text.Encoding.UTF8.GetString(value);
    }

    /// <summary>Slots of two writes, 10 ms apart.</summary>
    private static void Write(BackupFixture fixture, int from, int slots)
    {
        for (int i = from; i < from + slots; i++)
        {
            fixture.State.UnixMs += 10;
            fixture.Apply(Set($"k{i}", $"{i}"), Set("last", $"{i}"));
        }
    }

    private static CommandResult ApplyTo(ReplicaStorage storage, long slot, KvCommand command)
    {
        var writer = new CommandBatchWriter();
        writer.Add(CommandCodec.Encode(command));
        byte[] payload = writer.Build(2_000_000, MvccRetention.Default);
        var results = new Results();
        storage.Executor.Apply(
            [new ChosenEntry(new Slot(slot), new Value(new Ballot(1, new NodeId(4)), ValueKind.Commands, payload))],
            results);
        return results.Last;
    }

    private sealed class Results : IApplyObserver
    {
        public CommandResult Last { get; private set; }

        public void OnApplied(Slot slot, int index, in CommandResult result) => Last = result;

        public void OnMalformed(Slot slot, string error) => Assert.Fail(error);
    }
}
