using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Hashing;
using KvCloud.Backup.Format;
using KvCloud.Backup.Source;

namespace KvCloud.Tests.Backup;

/// <summary>
/// A replica as a backup sees it: a log of numbered slots, each a version of its own a second apart, and snapshots
/// whose files hold a range of slots each, so that later snapshots have the earlier files too.
/// </summary>
internal sealed class ScriptedReplica(string name, string clusterId = "cluster-a", int nodeId = 1) : IReplicaSource
{
    public const int SlotsInFile = 10;
    public const int SlotsInBlock = 7;
    public const int FileBytes = 3 * 1024 * 1024;

    private readonly Dictionary<long, long> _snapshots = [];
    private readonly ConcurrentDictionary<(int Index, long Last), byte[]> _files = new();
    private long _nextId = 1;

    public string Name => name;

    /// <summary>The last slot that is applied.</summary>
    public long Applied { get; set; } = 20;

    /// <summary>So many of the slots that are applied are not in the log yet.</summary>
    public long LogLag { get; set; }

    /// <summary>The first slot of the log.</summary>
    public long FirstLogged { get; set; } = 1;

    /// <summary>Called before each piece of a file is given.</summary>
    public Func<Task> OnRead { get; set; } = () => Task.CompletedTask;

    /// <summary>Called before each answer about the log.</summary>
    public Action OnLog { get; set; } = () => { };

    /// <summary>It does not answer any more.</summary>
    public bool IsDown { get; set; }

    /// <summary>What it gives is not what it says.</summary>
    public bool IsDamaged { get; set; }

    public long PiecesRead { get; private set; }

    public static long VersionOf(long slot) => slot * 10;

    public static long UnixMsOf(long slot) => 1_700_000_000_000 + (slot * 1000);

    public Task<SnapshotOffer?> TryOpenSnapshotAsync(long? aboveSlot, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        if (Applied <= aboveSlot)
        {
            return Task.FromResult<SnapshotOffer?>(null);
        }

        long id = _nextId++;
        _snapshots[id] = Applied;
        return Task.FromResult<SnapshotOffer?>(new SnapshotOffer(
            id, clusterId, nodeId, Applied, VersionOf(Applied), UnixMsOf(Applied),
            [.. Enumerable.Range(0, FilesOf(Applied)).Select(index => FileOf(index, Applied))]));
    }

    public async Task<ReadOnlyMemory<byte>> ReadSnapshotAsync(
        long snapshotId, int file, long offset, int count, CancellationToken cancellationToken)
    {
        await OnRead();
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfDown();
        if (!_snapshots.TryGetValue(snapshotId, out long slot))
        {
            throw new SourceException(SourceFailure.SnapshotGone, $"{name} has no snapshot {snapshotId}");
        }

        PiecesRead++;
        byte[] piece = ContentOf(file, slot).AsSpan((int)offset, count).ToArray();
        piece[0] ^= (byte)(IsDamaged ? 1 : 0);
        return piece;
    }

    public Task<LogReading> ReadLogAsync(long fromSlot, CancellationToken cancellationToken)
    {
        ThrowIfDown();
        OnLog();
        if (fromSlot < FirstLogged)
        {
            throw new SourceException(SourceFailure.LogTrimmed, $"the log of {name} begins at {FirstLogged}");
        }

        long last = Math.Min(Applied - LogLag, fromSlot + SlotsInBlock - 1);
        LogBlock? block = fromSlot > last
            ? null
            : new LogBlock(
                fromSlot, last, UnixMsOf(fromSlot), UnixMsOf(last),
                last == Applied ? VersionOf(last) : 0, VersionOf(Applied), BlockOf(fromSlot, last));
        return Task.FromResult(new LogReading(clusterId, Applied, VersionOf(Applied), block));
    }

    /// <summary>It began anew: what it had ready is gone.</summary>
    public void Restart() => _snapshots.Clear();

    /// <summary>What a block of these slots holds, whoever gives it.</summary>
    public static byte[] BlockOf(long first, long last)
    {
        byte[] content = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(content, first);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(8), last);
        return content;
    }

    private static int FilesOf(long slot) => (int)((slot + SlotsInFile - 1) / SlotsInFile);

    private ArchivedFile FileOf(int index, long slot)
    {
        byte[] content = ContentOf(index, slot);
        return new ArchivedFile(
            FormattableString.Invariant($"{index:D6}.sst"),
            content.Length,
            ContentHash.Text(XxHash128.HashToUInt128(content)));
    }

    /// <summary>Follows from the slots in the file and the replica: two replicas have no file in common.</summary>
    private byte[] ContentOf(int index, long slot) => _files.GetOrAdd(
        (index, Math.Min(slot, (index + 1L) * SlotsInFile)),
        file =>
        {
            byte[] content = new byte[FileBytes + index];
            new Random((int)((file.Last * 100) + nodeId)).NextBytes(content);
            return content;
        });

    private void ThrowIfDown()
    {
        if (IsDown)
        {
            throw new SourceException(SourceFailure.Unavailable, $"{name} does not answer");
        }
    }
}
