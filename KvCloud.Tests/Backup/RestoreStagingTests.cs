using System.Globalization;
using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Reading;

namespace KvCloud.Tests.Backup;

public sealed class RestoreStagingTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    private string Staging => Path.Combine(_archive.Root, "staging");

    [Fact]
    public async Task FillAsync_for_a_version_has_the_snapshot_before_it_and_the_blocks_up_to_it()
    {
        await BackUpAsync();
        RestorePlan plan = await PlanAsync(RestoreTarget.AtVersion(550));

        await FillAsync(plan);

        Assert.Equal(40, plan.Snapshot.Manifest.Slot);
        Assert.Equal(
            plan.Snapshot.Manifest.Files.Select(file => (file.Name, file.Hash)),
            Directory.GetFiles(Path.Combine(Staging, "data")).Order()
                .Select(path => (Path.GetFileName(path), ContentHash.Of(File.ReadAllBytes(path)))));
        long next = 41;
        foreach (string path in Directory.GetFiles(Path.Combine(Staging, "log")).Order(StringComparer.Ordinal))
        {
            long last = long.Parse(
                Path.GetFileNameWithoutExtension(path).Split('-')[1], CultureInfo.InvariantCulture);
            Assert.Equal(ScriptedReplica.BlockOf(next, last), await File.ReadAllBytesAsync(path));
            next = last + 1;
        }

        Assert.InRange(next, 56, 91);
    }

    [Fact]
    public async Task FillAsync_second_time_fetches_no_file_that_is_there_and_mends_one_that_is_damaged()
    {
        await BackUpAsync();
        RestorePlan plan = await PlanAsync(RestoreTarget.AtSlot(40));
        await FillAsync(plan);
        string kept = Path.Combine(Staging, "data", plan.Snapshot.Manifest.Files[0].Name);
        string damaged = Path.Combine(Staging, "data", plan.Snapshot.Manifest.Files[1].Name);
        DateTime written = File.GetLastWriteTimeUtc(kept);
        byte[] content = await File.ReadAllBytesAsync(damaged);
        content[0] ^= 1;
        await File.WriteAllBytesAsync(damaged, content);
        await File.WriteAllTextAsync(Path.Combine(Staging, "data", "foreign.sst"), "of another snapshot");

        await FillAsync(plan);

        Assert.Equal(written, File.GetLastWriteTimeUtc(kept));
        Assert.Equal(plan.Snapshot.Manifest.Files[1].Hash, ContentHash.Of(await File.ReadAllBytesAsync(damaged)));
        Assert.Equal(
            plan.Snapshot.Manifest.Files.Count, Directory.GetFiles(Path.Combine(Staging, "data")).Length);
        Assert.Empty(Directory.GetFiles(Path.Combine(Staging, "log")));
    }

    [Fact]
    public async Task FillAsync_file_that_was_changed_in_the_archive_is_refused_by_name()
    {
        await BackUpAsync();
        RestorePlan plan = await PlanAsync(RestoreTarget.Latest);
        string name = plan.Snapshot.Manifest.Files[2].ObjectName;
        byte[] content = await File.ReadAllBytesAsync(_archive.PathOf(name));
        content[^1] ^= 1;
        await File.WriteAllBytesAsync(_archive.PathOf(name), content);

        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(() => FillAsync(plan));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    private async Task BackUpAsync()
    {
        var replica = new ScriptedReplica("a");
        foreach (long slot in (long[])[20, 40])
        {
            replica.Applied = slot;
            await _archive.BackUpAsync(replica);
        }

        // The next snapshot is begun at slot 90, and the log behind slot 40 comes from before it.
        replica.Applied = 90;
        await _archive.BackUpAsync(replica);
    }

    private async Task<RestorePlan> PlanAsync(RestoreTarget target) =>
        RestorePlan.For(await _archive.CatalogAsync(), target);

    private Task FillAsync(RestorePlan plan) =>
        new RestoreStaging(_archive.Store, Staging, new ReadProgress()).FillAsync(plan, CancellationToken.None);
}
