using System.Buffers.Binary;
using KvCloud.Backup.Format;
using KvCloud.Backup.Source;
using KvCloud.Client;
using KvCloud.Client.Backup;
using KvCloud.Protocol;

namespace KvCloud.Cli.Backup;

/// <summary>A replica of the cluster as a backup's source, over its Thrift interface.</summary>
internal sealed class ReplicaSource(BackupSource source) : IReplicaSource
{
    /// <summary>A replica that does not answer within this time is unavailable, and the next one is asked.</summary>
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Longer, because [snapshots] max_bytes_per_second may delay a piece of a file.</summary>
    private static readonly TimeSpan PieceTimeout = TimeSpan.FromSeconds(30);

    public string Name => source.Endpoint;

    public async Task<SnapshotOffer?> TryOpenSnapshotAsync(long? aboveSlot, CancellationToken cancellationToken)
    {
        SourceSnapshot? snapshot = await RunAsync(
            token => source.OpenSnapshotAsync(aboveSlot, token), CallTimeout, cancellationToken);
        return snapshot is null
            ? null
            : new SnapshotOffer(
                snapshot.Id,
                snapshot.ClusterId,
                snapshot.NodeId,
                snapshot.Slot,
                snapshot.Version,
                snapshot.UnixMs,
                [.. snapshot.Files.Select(file => new ArchivedFile(file.Name, file.SizeBytes, HashOf(file)))]);
    }

    public async Task<ReadOnlyMemory<byte>> ReadSnapshotAsync(
        long snapshotId, int file, long offset, int count, CancellationToken cancellationToken) =>
        await RunAsync(
            token => source.ReadSnapshotAsync(snapshotId, file, offset, count, token),
            PieceTimeout,
            cancellationToken);

    public async Task<LogReading> ReadLogAsync(long fromSlot, CancellationToken cancellationToken)
    {
        SourceLog log = await RunAsync(
            token => source.ReadLogAsync(fromSlot, cancellationToken: token), CallTimeout, cancellationToken);
        return new LogReading(
            log.ClusterId,
            log.AppliedSlot,
            log.AppliedVersion,
            log.Block is { } block
                ? new LogBlock(
                    block.FirstSlot,
                    block.LastSlot,
                    block.FirstUnixMs ?? 0,
                    block.LastUnixMs ?? 0,
                    block.LastSlot == log.AppliedSlot ? log.AppliedVersion : 0,
                    log.AppliedVersion,
                    block.Content)
                : null);
    }

    private string HashOf(SourceFile file) => file.Hash.Length == 16
        ? ContentHash.Text(BinaryPrimitives.ReadUInt128BigEndian(file.Hash))
        : throw new SourceException(SourceFailure.Damaged, $"{Name} sent a hash of the wrong length for {file.Name}");

    private async Task<T> RunAsync<T>(
        Func<CancellationToken, ValueTask<T>> call, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            return await call(limit.Token);
        }
        catch (KvCloudException exception)
        {
            throw new SourceException(FailureOf(exception.ErrorCode), exception.Message, exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(
                SourceFailure.Unavailable,
                $"{Name} did not answer within {timeout.TotalSeconds} seconds",
                exception);
        }
    }

    private static SourceFailure FailureOf(ErrorCode code) => code switch
    {
        ErrorCode.SNAPSHOT_GONE => SourceFailure.SnapshotGone,
        ErrorCode.LOG_TRIMMED => SourceFailure.LogTrimmed,
        ErrorCode.CORRUPTION => SourceFailure.Damaged,
        ErrorCode.NOT_SUPPORTED or ErrorCode.UNAUTHENTICATED or ErrorCode.INVALID_ARGUMENT => SourceFailure.Refused,
        _ => SourceFailure.Unavailable,
    };
}
