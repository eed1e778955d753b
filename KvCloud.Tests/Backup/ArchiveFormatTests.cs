using KvCloud.Backup;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

/// <summary>What is written is read as it was, and nothing else is.</summary>
public sealed class ArchiveFormatTests : IDisposable
{
    private readonly ArchiveFixture _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public void Decode_segment_has_its_blocks_and_its_name_says_what_they_hold()
    {
        byte[] content = LogSegment.Encode(Blocks(), out LogSegmentName name);

        LogSegmentName parsed = LogSegmentName.TryParse(name.ObjectName, content.Length)!;
        Assert.Equal(name, parsed);
        Assert.Equal((5, 12, 1000, 3000, 80, 90), (
            parsed.FirstSlot, parsed.LastSlot, parsed.FirstUnixMs, parsed.LastUnixMs, parsed.Version,
            parsed.VersionBound));
        IReadOnlyList<LogBlock> blocks = LogSegment.Decode(content, parsed);
        Assert.Equal(
            Blocks().Select(block => (block with { Content = default }, Convert.ToHexString(block.Content.Span))),
            blocks.Select(block => (block with { Content = default }, Convert.ToHexString(block.Content.Span))));
    }

    [Fact]
    public void Decode_segment_with_any_changed_byte_is_refused_by_name()
    {
        byte[] content = LogSegment.Encode(Blocks(), out LogSegmentName name);
        for (int i = 0; i < content.Length; i++)
        {
            content[i] ^= 0x10;
            ArchiveException refused = Assert.Throws<ArchiveException>(() => LogSegment.Decode(content, name));
            Assert.Contains(name.ObjectName, refused.Message, StringComparison.Ordinal);
            content[i] ^= 0x10;
        }
    }

    [Fact]
    public void Decode_segment_under_the_name_of_other_slots_is_refused()
    {
        byte[] content = LogSegment.Encode(Blocks(), out LogSegmentName name);

        Assert.Throws<ArchiveException>(() => LogSegment.Decode(content, name with { LastSlot = 13 }));
        Assert.Throws<ArchiveException>(() => LogSegment.Decode(content, name with { Version = 81 }));
    }

    [Theory]
    [InlineData("log/5-12.log")]
    [InlineData("log/00000000000000000012-00000000000000000005-t000000000001000-t000000000003000"
        + "-v00000000000000080-b00000000000000090-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.log")]
    [InlineData("files/a")]
    public void TryParse_other_name_is_none(string name) => Assert.Null(LogSegmentName.TryParse(name, 1));

    [Fact]
    public void Decode_manifest_has_what_was_written()
    {
        SnapshotManifest manifest = Manifest(new ArchivedFile("000012.sst", 7, new string('b', 32)));

        byte[] content = manifest.Encode(out string name);

        Assert.StartsWith("snapshots/00000000000000000040-node3-", name, StringComparison.Ordinal);
        var read = SnapshotManifest.Decode(content, name, "cluster-a");
        Assert.Equal(manifest with { Files = [] }, read with { Files = [] });
        Assert.Equal(manifest.Files, read.Files);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("")]
    public void Decode_manifest_that_names_a_file_elsewhere_is_refused(string file)
    {
        byte[] content = Manifest(new ArchivedFile(file, 7, new string('b', 32))).Encode(out string name);

        ArchiveException refused = Assert.Throws<ArchiveException>(
            () => SnapshotManifest.Decode(content, name, "cluster-a"));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_manifest_of_a_later_format_or_another_cluster_is_refused_by_name()
    {
        SnapshotManifest manifest = Manifest(new ArchivedFile("a.sst", 7, new string('b', 32)));
        byte[] later = (manifest with { Format = 2 }).Encode(out string name);

        Assert.Contains(
            "format 2",
            Assert.Throws<ArchiveException>(() => SnapshotManifest.Decode(later, name, "cluster-a")).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "cluster-a",
            Assert.Throws<ArchiveException>(
                () => SnapshotManifest.Decode(manifest.Encode(out _), name, "cluster-b")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_marker_of_a_later_format_is_refused()
    {
        byte[] content = ChecksummedJson.Write(new ArchiveMarker(2, "cluster-a", default), out _);
        await _archive.Store.WriteAsync(ArchiveLayout.Marker, content, CancellationToken.None);

        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(
            () => ArchiveMarker.ReadAsync(_archive.Store, CancellationToken.None));

        Assert.Contains("has format 2; this program knows 1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_where_there_is_no_archive_says_so()
    {
        ArchiveException refused = await Assert.ThrowsAsync<ArchiveException>(
            () => ArchiveMarker.ReadAsync(_archive.Store, CancellationToken.None));

        Assert.Contains("is not a backup archive", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ftp://host/path")]
    [InlineData("file://host/path")]
    [InlineData("s3://bucket?endpoint=nowhere")]
    [InlineData("s3://bucket?colour=red")]
    [InlineData("s3:///prefix")]
    public void Open_address_that_is_none_is_refused(string address) =>
        Assert.Throws<ArchiveException>(() => ArchiveAddress.Open(address));

    [Theory]
    [InlineData("s3://key:secret@bucket/prefix")]
    [InlineData("s3://bucket/prefix?endpoint=http://key:secret@host")]
    public void Open_address_with_credentials_is_refused_without_repeating_them(string address)
    {
        ArchiveException refused = Assert.Throws<ArchiveException>(() => ArchiveAddress.Open(address));

        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_location_has_what_the_address_says()
    {
        var location = S3Location.Parse(new Uri("s3://bucket/a/b/?endpoint=http://host:9000/&region=eu-1"));

        Assert.Equal(("bucket", "a/b/", "eu-1", true), (
            location.Bucket, location.Prefix, location.Region, location.IsPathStyle));
        Assert.Equal("s3://bucket/a/b at http://host:9000", location.Address);
        Assert.False(S3Location.Parse(new Uri("s3://bucket")).IsPathStyle);
        Assert.False(S3Location.Parse(new Uri("s3://bucket?endpoint=http://h&pathStyle=false")).IsPathStyle);
    }

    private static LogBlock[] Blocks() =>
    [
        new(5, 8, 0, 0, 0, 90, "first"u8.ToArray()),
        new(9, 11, 1000, 3000, 80, 80, "second"u8.ToArray()),
        new(12, 12, 0, 0, 80, 80, Array.Empty<byte>()),
    ];

    private static SnapshotManifest Manifest(ArchivedFile file) =>
        new(1, "cluster-a", 3, 40, 400, 40_000, new DateTimeOffset(2026, 11, 27, 1, 2, 3, default), [file]);
}
