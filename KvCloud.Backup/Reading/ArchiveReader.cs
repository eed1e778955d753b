using System.IO.Hashing;
using KvCloud.Backup.Copying;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Reading;

/// <summary>
/// Reads objects of an archive and verifies each against the hash in its name. Transient failures are retried.
/// </summary>
internal sealed class ArchiveReader(IArchiveStore store, ReadProgress progress)
{
    private const int Attempts = 6;

    /// <summary>Reads a file of a snapshot.</summary>
    /// <param name="name">The object's name: <c>files/hash-size</c>.</param>
    /// <param name="sizeBytes">The expected size.</param>
    /// <param name="hash">The expected hash.</param>
    /// <param name="openTarget">Opens the destination, anew for each attempt; null to verify only.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ArchiveException">It is missing, damaged or unreadable; the message names it.</exception>
    public Task ReadFileAsync(
        string name, long sizeBytes, string hash, Func<Stream>? openTarget, CancellationToken cancellationToken) =>
        RetryAsync(
            name,
            async () =>
            {
                await using Stream stream = await OpenAsync(name, cancellationToken);
                await using Stream target = openTarget?.Invoke() ?? Stream.Null;
                var actual = new XxHash128();
                long count = 0;
                await ArchiveStoreExtensions.CopyAsync(
                    stream,
                    async piece =>
                    {
                        actual.Append(piece.Span);
                        count += piece.Length;
                        await target.WriteAsync(piece, cancellationToken);
                    },
                    cancellationToken);
                if (count != sizeBytes || ContentHash.Text(actual.GetCurrentHashAsUInt128()) != hash)
                {
                    throw new ArchiveException(
                        $"{name} in {store.Address} is damaged: its content does not match the hash and size in its"
                        + " name");
                }

                progress.Done(count);
            },
            cancellationToken);

    /// <summary>Reads a segment of the log.</summary>
    /// <exception cref="ArchiveException">It is missing, damaged or unreadable; the message names it.</exception>
    public async Task<IReadOnlyList<LogBlock>> ReadSegmentAsync(
        LogSegmentName name, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogBlock> blocks = [];
        await RetryAsync(
            name.ObjectName,
            async () =>
            {
                byte[] content =
                    await store.TryReadAsync(name.ObjectName, LogSegment.MaxBytes, cancellationToken)
                    ?? throw Missing(name.ObjectName);
                blocks = LogSegment.Decode(content, name);
                progress.Done(content.Length);
            },
            cancellationToken);
        return blocks;
    }

    private async Task<Stream> OpenAsync(string name, CancellationToken cancellationToken) =>
        await store.TryOpenAsync(name, cancellationToken) ?? throw Missing(name);

    private ArchiveException Missing(string name) => new($"{name} is missing from {store.Address}");

    private async Task RetryAsync(string name, Func<Task> read, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(Attempts);
        while (true)
        {
            try
            {
                await read();
                return;
            }
            catch (ArchiveUnavailableException) when (backoff.TryFail())
            {
                // The connection broke, or the store was busy.
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException)
            {
                if (!backoff.TryFail())
                {
                    throw new ArchiveUnavailableException($"{store.Address}, {name}: {exception.Message}", exception);
                }
            }

            await backoff.PauseAsync(cancellationToken);
        }
    }
}
