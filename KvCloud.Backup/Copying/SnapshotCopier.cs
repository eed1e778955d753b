using System.Globalization;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>
/// Makes one snapshot of the archive: copies the files that it does not have yet, and writes the manifest when all are
/// there. What was copied before a failure, or by a process that was killed, is not copied again.
/// </summary>
internal sealed class SnapshotCopier(
    IArchiveStore store,
    SourceRotation sources,
    BackupOptions options,
    ByteRate rate,
    BackupProgress progress,
    TimeProvider time)
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>A replica that makes a snapshot for longer is given up.</summary>
    private static readonly TimeSpan LongestPreparation = TimeSpan.FromMinutes(10);

    private readonly FileCopier _files = new(store, rate, progress);
    private int _refusals;

    /// <param name="atSlot">Only a snapshot of this slot or a later one will do.</param>
    /// <param name="isArchived">Whether the archive has a snapshot of that slot already.</param>
    /// <param name="opened">Hears of each snapshot that a replica offers, before its files are copied.</param>
    /// <param name="cancellationToken">Ends it; what was copied stays.</param>
    /// <returns>Null if the archive has that state already.</returns>
    /// <exception cref="SourceException">No replica gave one.</exception>
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

                // The log is read from the first one on, so one of an earlier slot would stand before a gap.
                atSlot = Math.Max(atSlot ?? 0, offer.Slot);
                if (isArchived(offer.Slot))
                {
                    progress.Tell(Text($"slot {offer.Slot} has a snapshot already; no other is made"));
                    return null;
                }

                return await CopyAsync(source, offer, cancellationToken);
            }
            catch (SourceException exception) when (AfterFailure(exception.Failure, backoff, ref copied))
            {
                progress.Tell($"{exception.Message}; begins again with {sources.Current.Name}");
            }
            catch (ArchiveException exception)
                when (exception is ArchiveUnavailableException or LeaseConflictException
                    && AfterFailure(null, backoff, ref copied))
            {
                progress.Tell($"{exception.Message}; tries again");
            }

            await backoff.PauseAsync(cancellationToken);
        }
    }

    /// <summary>Whether to go on after a failure, and with whom.</summary>
    private bool AfterFailure(SourceFailure? failure, Backoff backoff, ref long copied)
    {
        if (progress.CopiedBytes != copied)
        {
            copied = progress.CopiedBytes;
            backoff.Succeeded();
        }

        // A replica that began anew has another snapshot, most of whose files are those that are here.
        if (failure is SourceFailure.Unavailable or SourceFailure.Damaged or SourceFailure.Refused)
        {
            sources.MoveOn();
        }

        // When all have refused, asking again is of no use.
        _refusals = failure == SourceFailure.Refused ? _refusals + 1 : 0;
        return _refusals < sources.Count && backoff.TryFail();
    }

    private static async Task<SnapshotOffer> OpenAsync(
        IReplicaSource source, long? atSlot, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)LongestPreparation.TotalMilliseconds;
        while (Environment.TickCount64 < deadline)
        {
            SnapshotOffer? offer = await source.TryOpenSnapshotAsync(atSlot - 1, cancellationToken);
            if (offer is not null)
            {
                return offer.Files.All(file => file.IsPlain)
                    ? offer
                    : throw new SourceException(
                        SourceFailure.Damaged, $"{source.Name} offers a snapshot with a file that cannot be");
            }

            await Task.Delay(AskAgainAfter, cancellationToken);
        }

        throw new SourceException(
            SourceFailure.Unavailable,
            Text($"{source.Name} has not made a snapshot within {LongestPreparation.TotalMinutes} minutes"));
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
            + $" {toCopy} are to be copied"));
        for (int index = 0; index < offer.Files.Count; index++)
        {
            if (missing.Contains(offer.Files[index]))
            {
                await _files.CopyAsync(source, offer, index, cancellationToken);
            }
        }
    }

    /// <summary>Last of all: whoever sees it may rely on every file that it names.</summary>
    private async Task<SnapshotManifest> WriteManifestAsync(SnapshotOffer offer, CancellationToken cancellationToken)
    {
        Dictionary<string, long> there = await FilesThereAsync(cancellationToken);
        ArchivedFile? missing = offer.Files.FirstOrDefault(file => !IsThere(there, file));
        if (missing is not null)
        {
            throw new ArchiveException($"{missing.ObjectName} was removed from {store.Address} while it was used");
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
        progress.SnapshotIsWhole();
        progress.Tell(Text($"snapshot of slot {offer.Slot} is whole: {name}"));
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
