using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;

namespace KvCloud.Tests.Node.Replication.Snapshots;

public sealed class SnapshotManifestTests
{
    private static readonly SnapshotManifest Sample = new(
        "mine",
        new AppliedState(new Slot(7), new CommitVersion(9), 0xFEDC_BA98_7654_3210),
        [new SnapshotFile("000012.sst", 5_000_000_000, UInt128.MaxValue), new SnapshotFile("CURRENT", 0, 3)]);

    [Fact]
    public void Decode_gives_what_was_encoded()
    {
        var decoded = SnapshotManifest.Decode(Sample.Encode());

        Assert.Equal(Sample.ClusterId, decoded.ClusterId);
        Assert.Equal(Sample.State, decoded.State);
        Assert.Equal(Sample.Files, decoded.Files);
        Assert.Equal(5_000_000_000, decoded.SizeBytes);
    }

    [Fact]
    public void Decode_refuses_every_changed_byte_and_every_shorter_one()
    {
        byte[] encoding = Sample.Encode();
        for (int i = 0; i < encoding.Length; i++)
        {
            byte[] changed = [.. encoding];
            changed[i] ^= 0x10;
            Assert.Throws<InvalidDataException>(() => SnapshotManifest.Decode(changed));
            Assert.Throws<InvalidDataException>(() => SnapshotManifest.Decode(encoding.AsMemory(0, i)));
        }
    }

    /// <summary>A peer names the files that are written here.</summary>
    [Theory]
    [InlineData("../identity")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("a\\b")]
    [InlineData("000012.sst.part")]
    [InlineData("name\u0000")]
    public void Decode_refuses_names_that_are_more_than_a_file_of_the_store(string name)
    {
        SnapshotManifest manifest = Sample with { Files = [new SnapshotFile(name, 1, 1)] };

        Assert.Throws<InvalidDataException>(() => SnapshotManifest.Decode(manifest.Encode()));
    }

    [Fact]
    public void Decode_refuses_one_name_twice() => Assert.Throws<InvalidDataException>(() => SnapshotManifest.Decode(
        (Sample with { Files = [Sample.Files[0], Sample.Files[0]] }).Encode()));
}
