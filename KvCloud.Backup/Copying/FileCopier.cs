using System.IO.Hashing;
using System.Runtime.CompilerServices;
using KvCloud.Backup.Format;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>Copies one file of a replica's snapshot into the archive and verifies its hash before it commits.</summary>
internal sealed class FileCopier(IArchiveStore store, ByteRate rate, BackupProgress progress)
{
    /// <summary>The most that a replica returns in one call.</summary>
    public const int PieceBytes = 1024 * 1024;

    /// <summary>Requests in flight. They bound the memory used, next to the part that an S3 upload buffers.</summary>
    private const int PiecesInFlight = 4;

    /// <exception cref="SourceException">The file cannot be read, or does not match its hash.</exception>
    /// <exception cref="ArchiveException">The archive cannot be written.</exception>
    public async Task CopyAsync(
        IReplicaSource source, SnapshotOffer offer, int index, CancellationToken cancellationToken)
    {
        ArchivedFile file = offer.Files[index];
        await using IArchiveUpload upload =
            await store.BeginUploadAsync(file.ObjectName, file.SizeBytes, cancellationToken);
        var hash = new XxHash128();
        long received = 0;
        await foreach (ReadOnlyMemory<byte> piece in PiecesOf(source, offer.Id, index, file, cancellationToken))
        {
            hash.Append(piece.Span);
            received += piece.Length;
            await upload.AppendAsync(piece, cancellationToken);
            progress.Copied(piece.Length);
        }

        if (received != file.SizeBytes || ContentHash.Text(hash.GetCurrentHashAsUInt128()) != file.Hash)
        {
            throw new SourceException(
                SourceFailure.Damaged,
                $"{source.Name} sent {file.Name} with a content that does not match its hash; it is not archived");
        }

        await upload.CommitAsync(cancellationToken);
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> PiecesOf(
        IReplicaSource source,
        long snapshotId,
        int index,
        ArchivedFile file,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var inFlight = new Queue<Task<ReadOnlyMemory<byte>>>();
        try
        {
            for (long offset = 0; offset < file.SizeBytes || inFlight.Count > 0;)
            {
                while (offset < file.SizeBytes && inFlight.Count < PiecesInFlight)
                {
                    int count = (int)Math.Min(PieceBytes, file.SizeBytes - offset);
                    await rate.WaitAsync(count, cancellationToken);
                    inFlight.Enqueue(source.ReadSnapshotAsync(snapshotId, index, offset, count, stop.Token));
                    offset += count;
                }

                yield return await inFlight.Dequeue();
            }
        }
        finally
        {
            // Requests that are no longer wanted are awaited, so that none fails unobserved.
            await stop.CancelAsync();
            await Task.WhenAll(inFlight.Select(Ignored));
        }
    }

    private static async Task Ignored(Task<ReadOnlyMemory<byte>> piece)
    {
        try
        {
            await piece;
        }
        catch (Exception exception) when (exception is SourceException or OperationCanceledException)
        {
            // The request before it failed too, and its failure is reported.
        }
    }
}
