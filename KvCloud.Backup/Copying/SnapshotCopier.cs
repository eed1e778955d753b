using System.Globalization;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>
/// Copies a replica's snapshot into the archive: first the files that the archive lacks, then the manifest. Files that
/// were copied before a failure, or by a process that was killed, are not copied again.
/// </summary>
internal sealed class SnapshotCopier(
    IArchiveStore store,
    SourceRotation sources,
    BackupOptions options,
    ByteRate rate,
    BackupProgress progress,
    TimeProvider time)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>A replica that prepares a snapshot for longer is given up, and the next one is asked.</summary>
    private static readonly TimeSpan PreparationTimeout = TimeSpan.FromMinutes(10);

    private readonly FileCopier _files = new(store, rate, progress);
    private int _refusals;

    /// <param name="atSlot">The lowest slot that the snapshot may have; null for any.</param>
    /// <param name="isArchived">Whether the archive already has a snapshot of the slot.</param>
    /// <param name="opened">Called with each snapshot that a replica offers, before its files are copied.</param>
    /// <param name="cancellationToken">Cancels the copy; files that were copied stay in the archive.</param>
    /// <returns>Null if the archive already has a snapshot of that slot.</returns>
    /// <exception cref="SourceException">No replica serves a snapshot.</exception>
    /// <exception cref="ArchiveException">The archive cannot be written.</exception>
    public async Task<SnapshotManifest?> CopyAsync(
        long? atSlot,
        Func<long, bool> isArchived,
        Func<SnapshotOffer, CancellationToken, Task> opened,
        CancellationToken cancellationToken)
    {
        var backoff = new Backoff(options.Attempts);
        long copied = 0;
        while (true)
        {
            IReplicaSource source = sources.Current;
            try
            {
                SnapshotOffer offer = await OpenAsync(source, atSlot, cancellationToken);
                await opened(offer, cancellationToken);

                // The log is shipped from the first offer on: a snapshot of an earlier slot would precede a gap.
                atSlot = Math.Max(atSlot ?? 0, offer.Slot);
                if (isArchived(offer.Slot))
                {
                    progress.Tell(Text($"the archive already has a snapshot of slot {offer.Slot}; none is copied"));
                    return null;
                }

                return await CopyAsync(source, offer, cancellationToken);
            }
            catch (SourceException exception) when (AfterFailure(exception.Failure, backoff, ref copied))
            {
                progress.Tell($"{exception.Message}; the snapshot is retried with {sources.Current.Name}");
            }
            catch (ArchiveException exception)
                when (exception is ArchiveUnavailableException or LeaseConflictException
                    && AfterFailure(null, backoff, ref copied))
            {
                progress.Tell($"{exception.Message}; the snapshot is retried");
            }

            await backoff.PauseAsync(cancellationToken);
        }
    }

    /// <summary>Decides whether to retry after a failure, and moves on to the next replica where that helps.</summary>
    private bool AfterFailure(SourceFailure? failure, Backoff backoff, ref long copied)
    {
        if (progress.CopiedBytes != copied)
        {
            copied = progress.CopiedBytes;
            backoff.Succeeded();
        }

        // A replica that has dropped its snapshot makes another; most of its files are in the archive already.
        if (failure is SourceFailure.Unavailable or SourceFailure.Damaged or SourceFailure.Refused)
        {
            sources.MoveOn();
        }

        // A refusal is final: once every replica has refused, there is nobody left to ask.
        _refusals = failure == SourceFailure.Refused ? _refusals + 1 : 0;
        return _refusals < sources.Count && backoff.TryFail();
    }

    private static async Task<SnapshotOffer> OpenAsync(
        IReplicaSource source, long? atSlot, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)PreparationTimeout.TotalMilliseconds;
        while (Environment.TickCount64 < deadline)
        {
            SnapshotOffer? offer = await source.TryOpenSnapshotAsync(atSlot - 1, cancellationToken);
            if (offer is not null)
            {
                return offer.Files.All(file => file.IsPlain)
                    ? offer
                    : throw new SourceException(
                        SourceFailure.Damaged,
                        $"{source.Name} offers a snapshot with a file whose name, size or hash is malformed");
            }

            await Task.Delay(PollInterval, cancellationToken);
        }

        throw new SourceException(
            SourceFailure.Unavailable,
            Text($"{source.Name} did not prepare a snapshot within {PreparationTimeout.TotalMinutes} minutes"));
    }

    private async Task<SnapshotManifest> CopyAsync(
        IReplicaSource source, SnapshotOffer offer, CancellationToken cancellationToken)
    {
        await using ArchiveLease lease = await ArchiveLease.TakeAsync(
            store, LeaseUse.Snapshot, options.Leases, progress.Tell, cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Lost);
        try
        {
            await CopyFilesAsync(source, offer, limit.Token);
            lease.ThrowIfLost();
            return await WriteManifestAsync(offer, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            lease.ThrowIfLost();
            throw;
        }
    }

    private async Task CopyFilesAsync(
        IReplicaSource source, SnapshotOffer offer, CancellationToken cancellationToken)
    {
        Dictionary<string, long> there = await FilesThereAsync(cancellationToken);
        ArchivedFile[] distinct = [.. offer.Files.DistinctBy(file => file.ObjectName)];
        ArchivedFile[] missing = [.. distinct.Where(file => !IsThere(there, file))];
        long total = distinct.Sum(file => file.SizeBytes);
        long toCopy = missing.Sum(file => file.SizeBytes);
        progress.SnapshotBegins(total, total - toCopy);
        progress.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"snapshot of slot {offer.Slot} from {source.Name}: {offer.Files.Count} files, {total} bytes, of which"
            + $" {toCopy} bytes are not in the archive yet"));
        for (int index = 0; index < offer.Files.Count; index++)
        {
            if (missing.Contains(offer.Files[index]))
            {
                await _files.CopyAsync(source, offer, index, cancellationToken);
            }
        }
    }

    /// <summary>The manifest is written last: a reader that sees it can rely on every file that it names.</summary>
    private async Task<SnapshotManifest> WriteManifestAsync(SnapshotOffer offer, CancellationToken cancellationToken)
    {
        Dictionary<string, long> there = await FilesThereAsync(cancellationToken);
        ArchivedFile? missing = offer.Files.FirstOrDefault(file => !IsThere(there, file));
        if (missing is not null)
        {
            throw new ArchiveException(
                $"{missing.ObjectName} disappeared from {store.Address} during the backup; the snapshot of slot"
                + $" {offer.Slot.ToString(CultureInfo.InvariantCulture)} was not completed. Start the backup again");
        }

        var manifest = new SnapshotManifest(
            SnapshotManifest.CurrentFormat,
            offer.ClusterId,
            offer.NodeId,
            offer.Slot,
            offer.Version,
            offer.UnixMs,
            time.GetUtcNow(),
            offer.Files);
        byte[] content = manifest.Encode(out string name);
        await store.WriteAsync(name, content, cancellationToken);
        progress.SnapshotCompleted();
        progress.Tell(Text($"snapshot of slot {offer.Slot} is complete: {name}"));
        return manifest;
    }

    private async Task<Dictionary<string, long>> FilesThereAsync(CancellationToken cancellationToken)
    {
        List<StoredObject> files = await store.ListAllAsync(ArchiveLayout.Files, cancellationToken);
        return files.ToDictionary(file => file.Name, file => file.SizeBytes);
    }

    private static bool IsThere(Dictionary<string, long> there, ArchivedFile file) =>
        there.TryGetValue(file.ObjectName, out long size) && size == file.SizeBytes;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
