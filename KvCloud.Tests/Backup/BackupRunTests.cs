using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Copying;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;

namespace KvCloud.Tests.Backup;

/// <summary>Backups of scripted replicas: what they leave in the archive, whatever happens on the way.</summary>
public sealed class BackupRunTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task RunAsync_of_a_quiet_replica_makes_one_whole_snapshot_and_ends()
    {
        BackupProgress progress = await _archive.BackUpAsync(new ScriptedReplica("a"));

        ArchiveCatalog catalog = await _archive.CatalogAsync();
        Assert.Equal("cluster-a", catalog.Marker.ClusterId);
        Assert.True(Assert.Single(catalog.Snapshots).IsWhole);
        RestorableRange range = Assert.Single(catalog.Ranges);
        Assert.Equal(new RestorablePoint(20, 200, ScriptedReplica.UnixMsOf(20)), range.From);
        Assert.Equal(range.From, range.To);
        Assert.Equal(1, progress.Snapshots);
        Assert.Empty(Directory.GetFiles(_archive.PathOf("leases")));
        Assert.Empty(Directory.GetFiles(_archive.PathOf("tmp")));
    }

    [Fact]
    public async Task RunAsync_beside_writers_has_the_log_up_to_its_end()
    {
        var replica = new ScriptedReplica("a");
        replica.OnRead = () =>
        {
            replica.Applied += 3;
            return Task.CompletedTask;
        };

        BackupProgress progress = await _archive.BackUpAsync(replica);

        ArchiveCatalog catalog = await _archive.CatalogAsync();
        RestorableRange range = Assert.Single(catalog.Ranges);
        Assert.Equal(20, range.From.Slot);
        Assert.Equal(replica.Applied, range.To.Slot);
        Assert.Equal(ScriptedReplica.VersionOf(replica.Applied), range.To.Version);
        Assert.Equal(replica.Applied, progress.ShippedSlot);
    }

    /// <summary>The log of a replica under load records later than it applies that a slot is chosen.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task RunAsync_of_a_replica_whose_log_is_behind_its_data_ends_with_a_version_that_is_known(int lag)
    {
        // The snapshot of 20 slots is two files, of three pieces and of four.
        const int Pieces = 7;
        var replica = new ScriptedReplica("a") { LogLag = lag };
        int reads = 0;
        long applied = 0;
        replica.OnLog = () =>
        {
            replica.Applied += 3 * (++reads % 2);
            applied = applied == 0 && replica.PiecesRead == Pieces ? replica.Applied : applied;
        };

        await _archive.BackUpAsync(replica);

        ArchiveCatalog catalog = await _archive.CatalogAsync();
        RestorableRange range = Assert.Single(catalog.Ranges);
        Assert.True(applied > 20, "the log was read when the snapshot was");
        Assert.True(range.To.Version >= ScriptedReplica.VersionOf(applied), range.Describe());
        Assert.All(
            catalog.Log, segment => Assert.True(segment.Version <= ScriptedReplica.VersionOf(segment.LastSlot)));
    }

    [Fact]
    public async Task RunAsync_second_time_copies_only_new_files_and_goes_on_with_the_log()
    {
        var replica = new ScriptedReplica("a");
        await _archive.BackUpAsync(replica);
        replica.Applied = 35;

        BackupProgress second = await _archive.BackUpAsync(replica);

        // Slots 21 to 30, and 31 to 35.
        Assert.Equal((2L * ScriptedReplica.FileBytes) + 2 + 3, second.CopiedBytes);
        Assert.Equal((2L * ScriptedReplica.FileBytes) + 0 + 1, second.SharedBytes);
        ArchiveCatalog catalog = await _archive.CatalogAsync();
        Assert.Equal([20, 35], catalog.Snapshots.Select(snapshot => snapshot.Manifest.Slot));
        RestorableRange range = Assert.Single(catalog.Ranges);
        Assert.Equal((20, 35), (range.From.Slot, range.To.Slot));
        Assert.Equal(catalog.SharedBytesOf(catalog.Snapshots[0]), catalog.Snapshots[0].Manifest.SizeBytes);
    }

    [Fact]
    public async Task RunAsync_killed_in_the_middle_leaves_no_snapshot_and_the_next_copies_the_rest()
    {
        using var kill = new CancellationTokenSource();
        var replica = new ScriptedReplica("a") { Applied = 40 };
        replica.OnRead = async () =>
        {
            // Four files of four pieces each; the third is under way.
            if (replica.PiecesRead >= 9)
            {
                await kill.CancelAsync();
            }
        };
        await _archive.BackUpAsync(new BackupOptions { Leases = ArchiveFixture.Leases }, kill.Token, replica);
        Assert.Empty((await _archive.CatalogAsync()).Snapshots);

        // What a process that was killed cannot take back.
        await File.WriteAllTextAsync(_archive.PathOf("tmp/left"), "half a file");
        replica.OnRead = () => Task.CompletedTask;
        BackupProgress second = await _archive.BackUpAsync(replica);

        Assert.True(Assert.Single((await _archive.CatalogAsync()).Snapshots).IsWhole);
        Assert.InRange(second.SharedBytes, 2L * ScriptedReplica.FileBytes, 3L * ScriptedReplica.FileBytes);
        Assert.Equal(second.TotalBytes, second.SharedBytes + second.CopiedBytes);
    }

    [Fact]
    public async Task RunAsync_replica_that_goes_away_in_the_middle_is_replaced_by_another()
    {
        var first = new ScriptedReplica("a", nodeId: 1) { Applied = 40 };
        var second = new ScriptedReplica("b", nodeId: 2) { Applied = 40 };
        first.OnRead = () =>
        {
            first.IsDown |= first.PiecesRead >= 5;
            return Task.CompletedTask;
        };

        await _archive.BackUpAsync(first, second);

        ArchivedSnapshot snapshot = Assert.Single((await _archive.CatalogAsync()).Snapshots);
        Assert.True(snapshot.IsWhole);
        Assert.Equal(2, snapshot.Manifest.NodeId);
        Assert.Contains(_archive.Told, told => told.Contains("a does not answer; the snapshot is retried with b"));
    }

    [Fact]
    public async Task RunAsync_replica_that_began_anew_is_asked_again_and_its_files_stay()
    {
        var replica = new ScriptedReplica("a") { Applied = 40 };
        bool isRestarted = false;
        replica.OnRead = () =>
        {
            if (replica.PiecesRead == 6 && !isRestarted)
            {
                isRestarted = true;
                replica.Restart();
            }

            return Task.CompletedTask;
        };

        BackupProgress progress = await _archive.BackUpAsync(replica);

        Assert.True(Assert.Single((await _archive.CatalogAsync()).Snapshots).IsWhole);
        Assert.True(progress.SharedBytes >= ScriptedReplica.FileBytes, "what was copied was copied again");
    }

    [Fact]
    public async Task RunAsync_replica_that_gives_another_content_than_it_says_is_not_believed()
    {
        var damaged = new ScriptedReplica("a", nodeId: 1) { IsDamaged = true };

        await _archive.BackUpAsync(damaged, new ScriptedReplica("b", nodeId: 2));

        Assert.Equal(2, Assert.Single((await _archive.CatalogAsync()).Snapshots).Manifest.NodeId);
        Assert.Contains(_archive.Told, told => told.Contains("a sent 000000.sst with a content that does not match"));
    }

    [Fact]
    public async Task RunAsync_log_that_was_trimmed_before_it_was_read_is_a_gap_that_is_shown()
    {
        var replica = new ScriptedReplica("a");
        await _archive.BackUpAsync(replica);
        replica.Applied = 60;
        replica.FirstLogged = 50;

        await _archive.BackUpAsync(replica);

        ArchiveCatalog catalog = await _archive.CatalogAsync();
        Assert.Equal([20, 60], catalog.Ranges.Select(range => range.From.Slot));
        Assert.Equal([20, 60], catalog.Ranges.Select(range => range.To.Slot));
        Assert.Contains(_archive.Told, told => told.Contains("no replica has slot 21 in its log any more"));
        ArchiveException refused = Assert.Throws<ArchiveException>(
            () => RestorePlan.For(catalog, RestoreTarget.AtSlot(40)));
        Assert.Contains("slots 20-20", refused.Message, StringComparison.Ordinal);
        Assert.Contains("slots 60-60", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_log_that_one_replica_has_trimmed_comes_from_another()
    {
        var first = new ScriptedReplica("a") { Applied = 60, FirstLogged = 50 };
        await _archive.BackUpAsync(new ScriptedReplica("a"));

        await _archive.BackUpAsync(first, new ScriptedReplica("b", nodeId: 2) { Applied = 60 });

        RestorableRange range = Assert.Single((await _archive.CatalogAsync()).Ranges);
        Assert.Equal((20, 60), (range.From.Slot, range.To.Slot));
    }

    [Fact]
    public async Task RunAsync_of_another_cluster_is_refused_by_name_and_writes_nothing()
    {
        await _archive.BackUpAsync(new ScriptedReplica("a"));
        int files = Directory.GetFiles(_archive.PathOf("files")).Length;

        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(
            () => _archive.BackUpAsync(new ScriptedReplica("x", "cluster-b") { Applied = 90 }));

        Assert.Contains("cluster-a", refused.Message, StringComparison.Ordinal);
        Assert.Contains("cluster-b", refused.Message, StringComparison.Ordinal);
        Assert.Equal(files, Directory.GetFiles(_archive.PathOf("files")).Length);
    }

    [Fact]
    public async Task RunAsync_of_replicas_that_all_refuse_says_so_at_once()
    {
        var refusing = new ScriptedReplica("a")
        {
            OnRead = () => throw new SourceException(SourceFailure.Refused, "a does not let you"),
        };

        SourceException refused = await Assert.ThrowsAsync<SourceException>(() => _archive.BackUpAsync(refusing));

        Assert.Equal("a does not let you", refused.Message);
    }

    [Fact]
    public async Task RunAsync_that_goes_on_ships_until_it_is_stopped_and_the_next_makes_no_snapshot_before_its_time()
    {
        var replica = new ScriptedReplica("a");
        using var stop = new CancellationTokenSource();
        replica.OnLog = () =>
        {
            replica.Applied += replica.Applied < 200 ? 5 : 0;
            if (replica.Applied >= 200)
            {
                stop.CancelAfter(TimeSpan.FromMilliseconds(200));
            }
        };
        BackupOptions options = new()
        {
            IsContinuous = true,
            ShipEvery = TimeSpan.FromMilliseconds(10),
            Leases = ArchiveFixture.Leases,
        };
        await _archive.BackUpAsync(options, stop.Token, replica);
        Assert.Equal(200, Assert.Single((await _archive.CatalogAsync()).Ranges).To.Slot);

        replica.Applied = 230;
        using var later = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        replica.OnLog = () => { };
        BackupProgress second = await _archive.BackUpAsync(options, later.Token, replica);

        Assert.Equal(0, second.Snapshots);
        ArchiveCatalog catalog = await _archive.CatalogAsync();
        Assert.Single(catalog.Snapshots);
        Assert.Equal(230, Assert.Single(catalog.Ranges).To.Slot);
    }

    [Fact]
    public async Task RunAsync_that_goes_on_makes_a_snapshot_at_each_interval()
    {
        var replica = new ScriptedReplica("a");
        using var stop = new CancellationTokenSource();
        replica.OnLog = () => replica.Applied++;
        BackupOptions options = new()
        {
            IsContinuous = true,
            ShipEvery = TimeSpan.FromMilliseconds(10),
            SnapshotEvery = TimeSpan.FromMilliseconds(100),
            Leases = ArchiveFixture.Leases,
        };
        Task<BackupProgress> backup = _archive.BackUpAsync(options, stop.Token, replica);
        while (Directory.Exists(_archive.PathOf("snapshots")) is false
            || Directory.GetFiles(_archive.PathOf("snapshots")).Length < 3)
        {
            Assert.False(backup.IsFaulted, backup.Exception?.ToString());
            await Task.Delay(20);
        }

        await stop.CancelAsync();
        await backup;

        ArchiveCatalog catalog = await _archive.CatalogAsync();
        Assert.True(catalog.Snapshots.Count >= 3);
        Assert.Single(catalog.Ranges);
    }

    [Fact]
    public async Task RunAsync_that_goes_on_survives_an_archive_that_is_away_for_a_while()
    {
        var replica = new ScriptedReplica("a");
        using var stop = new CancellationTokenSource();
        BackupOptions options = new()
        {
            IsContinuous = true,
            ShipEvery = TimeSpan.FromMilliseconds(10),
            Leases = ArchiveFixture.Leases,
        };
        await _archive.BackUpAsync(replica);
        replica.Applied = 30;
        await _archive.BackUpAsync(replica);
        Directory.Move(_archive.PathOf("log"), _archive.PathOf("away"));
        Task<BackupProgress> backup = _archive.BackUpAsync(options, stop.Token, replica);
        replica.Applied = 60;
        await File.WriteAllTextAsync(_archive.PathOf("log"), "in the way");
        await UntilAsync(backup, () => _archive.Told.ToArray().Any(told => told.Contains(" is retried")));

        File.Delete(_archive.PathOf("log"));
        Directory.Move(_archive.PathOf("away"), _archive.PathOf("log"));
        await UntilAsync(backup, () => _archive.Told.ToArray().Contains("log shipping has resumed"));
        await stop.CancelAsync();
        await backup;

        Assert.Equal(60, Assert.Single((await _archive.CatalogAsync()).Ranges).To.Slot);
    }

    [Fact]
    public async Task RunAsync_whose_archive_is_mounted_no_more_does_not_take_the_empty_place_for_a_new_one()
    {
        var replica = new ScriptedReplica("a");
        BackupOptions options = new()
        {
            IsContinuous = true,
            ShipEvery = TimeSpan.FromMilliseconds(10),
            SnapshotEvery = TimeSpan.FromMilliseconds(100),
            Leases = ArchiveFixture.Leases,
        };
        await _archive.BackUpAsync(replica);
        Task<BackupProgress> backup = _archive.BackUpAsync(options, CancellationToken.None, replica);
        await UntilAsync(backup, () => Directory.GetFiles(_archive.PathOf("leases")).Length > 0);
        Directory.Move(_archive.Store.Address, _archive.Store.Address + ".away");
        Directory.CreateDirectory(_archive.Store.Address);
        replica.Applied = 40;

        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(() => backup);

        // Whichever comes first: what is written next, or the lease that is renewed and cannot be read again.
        Assert.Matches("is not a backup archive|does not list leases/", refused.Message);
        Assert.False(Directory.Exists(_archive.PathOf("files")));
    }

    [Fact]
    public async Task RunAsync_beside_a_prune_makes_its_snapshot_when_that_has_ended()
    {
        ArchiveLease prune = await ArchiveLease.TakeOnceAsync(
            _archive.Store, LeaseUse.Prune, ArchiveFixture.NoWait, CancellationToken.None);
        Task<BackupProgress> backup = _archive.BackUpAsync(
            new BackupOptions { Leases = ArchiveFixture.NoWait }, CancellationToken.None, new ScriptedReplica("a"));
        await UntilAsync(
            backup, () => _archive.Told.ToArray().Any(told => told.Contains("is in use: leases/prune-")));

        await prune.DisposeAsync();
        await backup;

        Assert.True(Assert.Single((await _archive.CatalogAsync()).Snapshots).IsWhole);
    }

    [Fact]
    public async Task RunAsync_beside_another_waits_and_says_who_it_is()
    {
        using var stop = new CancellationTokenSource();
        var replica = new ScriptedReplica("a");
        await _archive.BackUpAsync(replica);
        BackupOptions options = new() { IsContinuous = true, Leases = ArchiveFixture.Leases };
        Task first = _archive.BackUpAsync(options, stop.Token, replica);
        while (Directory.GetFiles(_archive.PathOf("leases"), "ship-*").Length == 0)
        {
            await Task.Delay(10);
        }

        Task second = _archive.BackUpAsync(replica);
        while (!_archive.Told.ToArray().Any(told => told.Contains("is in use: leases/ship-")))
        {
            Assert.False(second.IsCompleted, "it ran beside the other");
            await Task.Delay(10);
        }

        await stop.CancelAsync();
        await first;
        await second;
    }

    /// <summary>Waits until something is so; a backup that ends before that has failed.</summary>
    private static async Task UntilAsync(Task backup, Func<bool> isSo)
    {
        while (!isSo())
        {
            Assert.False(backup.IsCompleted, backup.Exception?.ToString() ?? "it ended");
            await Task.Delay(10);
        }
    }
}
