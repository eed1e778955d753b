using KvCloud.Node.Files;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Storage;

namespace KvCloud.Tests.Node.Replication.Snapshots;

/// <summary>What is handed out of a checkpoint is what the store has written.</summary>
public sealed class CheckpointFilesTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void Hash_holds_each_file_to_the_checksum_that_the_store_has_noted(int flip, bool isSound)
    {
        string directory = _temporary.Sub("checkpoint");
        Directory.CreateDirectory(directory);
        byte[] content = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        var checksum = default(Crc32C);
        checksum.Append(content);
        content[50_000] ^= (byte)flip;
        File.WriteAllBytes(Path.Combine(directory, "000012.sst"), content);
        File.WriteAllText(Path.Combine(directory, "CURRENT"), "MANIFEST-000001");
        using var files = new CheckpointFiles(SystemFiles.Instance, directory);
        files.Begin([new StoreFile("000012.sst", content.Length, checksum.Value)]);

        if (isSound)
        {
            Assert.True(files.Hash(long.MaxValue));
            Assert.Equal(2, files.TakeFiles().Count);
        }
        else
        {
            Assert.Equal(
                "000012.sst", Assert.Throws<StoreCorruptException>(() => files.Hash(long.MaxValue)).File);
        }
    }

    [Fact]
    public void Append_in_pieces_of_any_size_gives_the_known_checksum()
    {
        var checksum = default(Crc32C);
        checksum.Append("1234"u8);
        checksum.Append("56789"u8);

        Assert.Equal(0xE306_9283u, checksum.Value);
    }
}
