using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Reading;

namespace KvCloud.Tests.Backup;

public sealed class ArchiveVerifierTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task FindProblemsAsync_of_a_sound_archive_finds_none_and_reads_all_of_it()
    {
        await BackUpAsync();
        var progress = new ReadProgress();

        Assert.Empty(await FindProblemsAsync(progress));
        Assert.Equal(progress.TotalBytes, progress.DoneBytes);
    }

    [Theory]
    [InlineData("files")]
    [InlineData("log")]
    [InlineData("snapshots")]
    public async Task FindProblemsAsync_object_with_one_changed_byte_is_named(string folder)
    {
        await BackUpAsync();
        string path = Directory.GetFiles(_archive.PathOf(folder)).Order().First();
        byte[] content = await File.ReadAllBytesAsync(path);
        content[content.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, content);

        string problem = Assert.Single(await FindProblemsAsync(new ReadProgress()));

        Assert.Contains($"{folder}/{Path.GetFileName(path)}", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindProblemsAsync_file_that_is_gone_is_named_with_the_snapshots_that_need_it()
    {
        await BackUpAsync();
        ArchivedSnapshot snapshot = (await _archive.CatalogAsync()).Snapshots[^1];
        string file = snapshot.Manifest.Files[^1].ObjectName;
        File.Delete(_archive.PathOf(file));

        string problem = Assert.Single(await FindProblemsAsync(new ReadProgress()));

        Assert.Contains(file, problem, StringComparison.Ordinal);
        Assert.Contains(snapshot.ObjectName, problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ranges_segment_that_is_gone_is_a_gap()
    {
        await BackUpAsync();
        ArchiveCatalog before = await _archive.CatalogAsync();
        Assert.Equal((20, 90), (Assert.Single(before.Ranges).From.Slot, before.Ranges[0].To.Slot));
        File.Delete(_archive.PathOf(before.Log[0].ObjectName));

        ArchiveCatalog after = await _archive.CatalogAsync();

        Assert.Equal([(20L, 20L), (40L, 90L)], after.Ranges.Select(range => (range.From.Slot, range.To.Slot)));
        ArchiveException refused = Assert.Throws<ArchiveException>(
            () => RestorePlan.For(after, RestoreTarget.AtVersion(300)));
        Assert.Contains("version 300 cannot be restored", refused.Message, StringComparison.Ordinal);
        Assert.Contains("versions 400-900", refused.Message, StringComparison.Ordinal);
    }

    private async Task BackUpAsync()
    {
        var replica = new ScriptedReplica("a");
        foreach (long slot in (long[])[20, 40, 90])
        {
            replica.Applied = slot;
            await _archive.BackUpAsync(replica);
        }
    }

    private async Task<IReadOnlyList<string>> FindProblemsAsync(ReadProgress progress) =>
        await new ArchiveVerifier(_archive.Store, progress).FindProblemsAsync(
            await _archive.CatalogAsync(), CancellationToken.None);
}
