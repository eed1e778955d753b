using System.Globalization;
using System.IO.Hashing;
using KvCloud.Client;
using KvCloud.Client.Backup;

namespace KvCloud.Tests.Live;

/// <summary>Reads a snapshot and the log of one replica into a staging directory, by calls of the contract.</summary>
internal sealed class BackupPuller : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly BackupSource _source;
    private readonly List<SourceLog> _blocks = [];
    private long _next;

    public BackupPuller(KvCloudClient client, string endpoint)
    {
        _source = client.BackupFrom(endpoint);
        Directory.CreateDirectory(Path.Combine(Staging, "data"));
        Directory.CreateDirectory(Path.Combine(Staging, "log"));
    }

    public string Staging { get; } = Directory.CreateTempSubdirectory("kvcloud-staging-").FullName;

    public BackupSource Source => _source;

    public SourceSnapshot? Snapshot { get; private set; }

    public IReadOnlyList<SourceLog> Blocks => _blocks;

    public async Task PullSnapshotAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        SourceSnapshot? snapshot;
        while ((snapshot = await _source.OpenSnapshotAsync(cancellationToken: patience.Token)) is null)
        {
            await Task.Delay(50, patience.Token);
        }

        for (int file = 0; file < snapshot.Files.Count; file++)
        {
            SourceFile of = snapshot.Files[file];
            string path = Path.Combine(Staging, "data", of.Name);
            await using (FileStream to = File.Create(path))
            {
                while (to.Position < of.SizeBytes)
                {
                    byte[] piece = await _source.ReadSnapshotAsync(
                        snapshot.Id, file, to.Position, BackupSource.MaxPieceBytes, patience.Token);
                    Assert.NotEmpty(piece);
                    await to.WriteAsync(piece, patience.Token);
                }
            }

            Assert.Equal(of.Hash, XxHash128.Hash(await File.ReadAllBytesAsync(path, patience.Token)));
        }

        Snapshot = snapshot;
        _next = snapshot.Slot + 1;
    }

    /// <summary>Reads on until the replica's log holds what is applied up to this slot.</summary>
    public async Task PullLogAsync(long untilSlot, int maxBytes = 64 * 1024)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (_next <= untilSlot)
        {
            SourceLog read = await _source.ReadLogAsync(_next, maxBytes, waitMs: 1_000, patience.Token);
            if (read.Block is { } block)
            {
                Assert.Equal(_next, block.FirstSlot);
                string name = string.Create(CultureInfo.InvariantCulture, $"{block.FirstSlot:D20}.log");
                await File.WriteAllBytesAsync(Path.Combine(Staging, "log", name), block.Content, patience.Token);
                _blocks.Add(read);
                _next = block.LastSlot + 1;
            }
        }
    }

    public void Dispose() => Directory.Delete(Staging, recursive: true);
}
