using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Tests.Node.Storage;

namespace KvCloud.Tests.Node.Replication.Snapshots;

/// <summary>What of a snapshot that is being received counts as received.</summary>
public sealed class IncomingFilesTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly SnapshotPaths _paths;
    private readonly IncomingFiles _incoming;
    private readonly byte[] _content = [.. Enumerable.Range(0, 5_000).Select(at => (byte)at)];
    private readonly SnapshotFile _file;

    public IncomingFilesTests()
    {
        _paths = new SnapshotPaths(_temporary.Sub("node"));
        _incoming = new IncomingFiles(SystemFiles.Instance, _paths);
        string source = _temporary.Sub("source");
        File.WriteAllBytes(source, _content);
        _file = new SnapshotFile("000012.sst", _content.Length, FileHash.Of(SystemFiles.Instance, source));
        Assert.Empty(_incoming.Begin(Manifest));
    }

    private SnapshotManifest Manifest =>
        new("test", new AppliedState(new Slot(7), new CommitVersion(9), StateHash: 1), [_file]);

    private string Received => Path.Combine(_paths.Incoming, _file.Name);

    public void Dispose()
    {
        _incoming.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public void TryEndFile_file_as_it_was_sent_has_its_name_and_is_kept_by_the_next_attempt()
    {
        Assert.True(Receive(_content));
        Assert.Equal(_content, File.ReadAllBytes(Received));
        Assert.Equal([_file], _incoming.Begin(Manifest));
        Assert.True(_incoming.Keep(_file));
    }

    /// <summary>The disk or the memory of the sender flips it: the checksum of a frame knows nothing of that.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(4_999)]
    public void TryEndFile_file_with_one_changed_bit_is_removed(int at)
    {
        _content[at] ^= 0x10;
        Assert.False(Receive(_content));
        Assert.Empty(Directory.GetFiles(_paths.Incoming));
    }

    [Fact]
    public void Keep_file_that_changed_since_it_was_received_is_removed()
    {
        Assert.True(Receive(_content));
        _content[2_500] ^= 1;
        File.WriteAllBytes(Received, _content);
        Assert.Equal([_file], _incoming.Begin(Manifest));
        Assert.False(_incoming.Keep(_file));
        Assert.False(File.Exists(Received));
    }

    private bool Receive(byte[] content)
    {
        _incoming.BeginFile(_file);
        _incoming.Write(0, content.AsSpan(..2_000));
        _incoming.Write(2_000, content.AsSpan(2_000..));
        return _incoming.TryEndFile(_file);
    }
}
