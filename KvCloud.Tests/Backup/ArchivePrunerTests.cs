using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Pruning;
using KvCloud.Backup.Reading;

namespace KvCloud.Tests.Backup;

public sealed class ArchivePrunerTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task RunAsync_keeps_what_the_newest_snapshots_and_all_moments_since_need()
    {
        await BackUpAtAsync(20, 40, 60, 75);

        PrunePlan plan = await PruneAsync(new PrunePolicy(2, null));

        Assert.Equal([20, 40], plan.Snapshots.Select(snapshot => snapshot.Manifest.Slot));
        ArchiveCatalog catalog = await _archive.CatalogAsync();
        Assert.Empty(catalog.Problems);
        Assert.Equal([60, 75], catalog.Snapshots.Select(snapshot => snapshot.Manifest.Slot));
        Assert.Equal((60, 75), (Assert.Single(catalog.Ranges).From.Slot, catalog.Ranges[0].To.Slot));
        Assert.All(catalog.Log, segment => Assert.True(segment.LastSlot > 60));
        Assert.Empty(await new ArchiveVerifier(_archive.Store, new ReadProgress()).FindProblemsAsync(
            catalog, CancellationToken.None));
    }

    [Fact]
    public async Task RunAsync_by_age_keeps_the_snapshot_that_the_oldest_moment_follows()
    {
        await BackUpAtAsync(20, 40, 60);
        Age("snapshots", 0, days: 9);
        Age("snapshots", 1, days: 8);

        await PruneAsync(new PrunePolicy(null, TimeSpan.FromDays(7)));

        Assert.Equal([40, 60], (await _archive.CatalogAsync()).Snapshots.Select(snapshot => snapshot.Manifest.Slot));
    }

    [Fact]
    public async Task RunAsync_beside_a_restore_removes_nothing_and_says_who_restores()
    {
        await BackUpAtAsync(20, 40);
        int files = Directory.GetFiles(_archive.PathOf("files")).Length;
        await using ArchiveLease restore = await ArchiveLease.TakeOnceAsync(
            _archive.Store, LeaseUse.Read, ArchiveFixture.NoWait, CancellationToken.None);

        LeaseConflictException refused = await Assert.ThrowsAsync<LeaseConflictException>(
            () => PruneAsync(new PrunePolicy(1, null)));

        Assert.Contains("leases/read-", refused.Message, StringComparison.Ordinal);
        Assert.Equal(files, Directory.GetFiles(_archive.PathOf("files")).Length);
        Assert.Equal(2, (await _archive.CatalogAsync()).Snapshots.Count);
    }

    [Fact]
    public async Task RunAsync_file_that_nobody_refers_to_stays_as_long_as_it_is_young()
    {
        await BackUpAtAsync(20, 40);
        string file = _archive.PathOf("files/00000000000000000000000000000000-4");
        await File.WriteAllTextAsync(file, "half");

        await PruneAsync(new PrunePolicy(1, null));
        Assert.True(File.Exists(file));

        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-2));
        await PruneAsync(new PrunePolicy(1, null));
        Assert.False(File.Exists(file));
        Assert.Empty((await _archive.CatalogAsync()).Problems);
    }

    [Fact]
    public async Task RunAsync_with_a_damaged_manifest_removes_nothing_and_names_it()
    {
        await BackUpAtAsync(20, 40);
        string manifest = Directory.GetFiles(_archive.PathOf("snapshots")).Order().Last();
        string text = await File.ReadAllTextAsync(manifest);
        await File.WriteAllTextAsync(manifest, text.Replace("\"slot\":40", "\"slot\":41", StringComparison.Ordinal));

        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(
            () => PruneAsync(new PrunePolicy(1, null)));

        Assert.Contains(Path.GetFileName(manifest), refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(_archive.PathOf("snapshots")).Length);
    }

    [Fact]
    public async Task RunAsync_snapshot_that_is_not_whole_does_not_count_as_one_that_is_kept()
    {
        await BackUpAtAsync(20, 40);
        ArchivedSnapshot newest = (await _archive.CatalogAsync()).Snapshots[^1];
        File.Delete(_archive.PathOf(newest.Manifest.Files[^1].ObjectName));

        PrunePlan plan = await PruneAsync(new PrunePolicy(1, null));

        Assert.Empty(plan.Snapshots);
        Assert.Equal(20, Assert.Single((await _archive.CatalogAsync()).Ranges).From.Slot);
    }

    [Fact]
    public async Task RunAsync_dry_removes_nothing_and_says_what_it_would()
    {
        await BackUpAtAsync(20, 40);
        string[] before = Directory.GetFiles(_archive.Store.Address, "*", SearchOption.AllDirectories);

        PrunePlan plan = await new ArchivePruner(_archive.Store, ArchiveFixture.NoWait)
            .RunAsync(new PrunePolicy(1, null), isDryRun: true, CancellationToken.None);

        Assert.Equal(20, Assert.Single(plan.Snapshots).Manifest.Slot);
        Assert.Equal(before, Directory.GetFiles(_archive.Store.Address, "*", SearchOption.AllDirectories));
    }

    private Task<PrunePlan> PruneAsync(PrunePolicy policy) => new ArchivePruner(
        _archive.Store, ArchiveFixture.NoWait).RunAsync(policy, isDryRun: false, CancellationToken.None);

    private async Task BackUpAtAsync(params long[] slots)
    {
        var replica = new ScriptedReplica("a");
        foreach (long slot in slots)
        {
            replica.Applied = slot;
            await _archive.BackUpAsync(replica);
        }
    }

    private void Age(string folder, int index, int days) => File.SetLastWriteTimeUtc(
        Directory.GetFiles(_archive.PathOf(folder)).Order().ElementAt(index), DateTime.UtcNow.AddDays(-days));
}
