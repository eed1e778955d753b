using System.Globalization;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>
/// One run of a backup: copies a snapshot and, concurrently, ships the log from where the archive ends. A continuous
/// backup ships the log until it is stopped, and copies a snapshot at an interval.
/// </summary>
/// <remarks>
/// The log is shipped while the snapshot is copied, because a replica pins its log for a backup only for a bounded
/// time, and copying may take longer.
/// </remarks>
internal sealed class BackupRun : IAsyncDisposable
{
    /// <summary>Gaps in the log after which a backup that is not continuous gives up.</summary>
    private const int MaxGaps = 3;

    /// <summary>Attempts to learn the version of the last slot: see <see cref="HasEnd"/>.</summary>
    private const int MaxEndReads = 20;

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OpenPollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>A replica's log records within 50 ms that a slot is chosen.</summary>
    private static readonly TimeSpan LogPollInterval = TimeSpan.FromMilliseconds(100);

    private readonly IArchiveStore _store;
    private readonly BackupOptions _options;
    private readonly BackupProgress _progress;
    private readonly TimeProvider _time;
    private readonly SnapshotCopier _copier;
    private readonly LogShipper _shipper;
    private readonly Backoff _backoff;
    private readonly HashSet<long> _archivedSlots = [];
    private IReadOnlyList<LogSegmentName> _log = [];
    private ArchiveLease? _lease;
    private DateTimeOffset? _lastTaken;
    private long? _openSlot;
    private bool _needsSnapshot;
    private bool _isFailing;
    private int _gaps;
    private long? _end;
    private int _endReads;

    /// <param name="sources">The replicas in the order in which to ask them; at least one.</param>
    public BackupRun(
        IArchiveStore store,
        IReadOnlyList<IReplicaSource> sources,
        BackupOptions options,
        BackupProgress progress,
        TimeProvider time)
    {
        _store = store;
        _options = options;
        _progress = progress;
        _time = time;
        var rate = new ByteRate(options.MaxBytesPerSecond);
        _copier = new SnapshotCopier(store, new SourceRotation(sources), options, rate, progress, time);
        _shipper = new LogShipper(store, new SourceRotation(sources), rate, progress);
        _backoff = new Backoff(options.Attempts);
    }

    /// <summary>Runs the backup until it is complete or stopped.</summary>
    /// <exception cref="ArchiveException">The archive cannot be written, or belongs to another cluster.</exception>
    /// <exception cref="SourceException">No replica serves what the backup needs.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        if (await ArchiveMarker.TryReadAsync(_store, stop) is { } marker)
        {
            await BeginAsync(marker.ClusterId, stop);
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task<SnapshotManifest?>? copying = null;
        try
        {
            bool isDone = false;
            DateTimeOffset due = FirstDue();
            while (!isDone)
            {
                if (copying is { IsCompleted: true })
                {
                    if (await copying is { } made)
                    {
                        _archivedSlots.Add(made.Slot);
                    }

                    copying = null;
                    due = _options.IsContinuous ? _time.GetUtcNow() + _options.SnapshotEvery : DateTimeOffset.MaxValue;
                }

                if (copying is null && (_needsSnapshot || _time.GetUtcNow() >= due))
                {
                    _needsSnapshot = false;
                    copying = CopyAsync(end.Token);
                }

                isDone = await ShipAsync(copying, end.Token);
            }
        }
        finally
        {
            await end.CancelAsync();
            await EndedAsync(copying);
            await FlushAtEndAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_lease is not null)
        {
            await _lease.DisposeAsync();
        }
    }

    /// <summary>
    /// A continuous backup that resumes an earlier one copies no snapshot until the interval since the last has passed.
    /// </summary>
    private DateTimeOffset FirstDue() => _options.IsContinuous && _lastTaken is { } taken && _shipper.Next is not null
        ? taken + _options.SnapshotEvery
        : _time.GetUtcNow();

    /// <summary>Takes the lease that excludes other shippers, and resumes the log where the archive ends.</summary>
    private async Task BeginAsync(string clusterId, CancellationToken cancellationToken)
    {
        _lease = await ArchiveLease.TakeAsync(
            _store, LeaseUse.Ship, _options.Leases, _progress.Tell, cancellationToken);
        ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(_store, cancellationToken);
        _shipper.ClusterId = clusterId;
        _log = catalog.Log;
        foreach (ArchivedSnapshot snapshot in catalog.Snapshots.Where(snapshot => snapshot.IsWhole))
        {
            _archivedSlots.Add(snapshot.Manifest.Slot);
            _lastTaken = snapshot.Manifest.Taken;
        }

        if (catalog.Ranges.Count > 0)
        {
            long end = catalog.Ranges[^1].To.Slot;
            _progress.ShippedBefore(end);
            _shipper.BeginAt(end + 1);
        }
    }

    private Task<SnapshotManifest?> CopyAsync(CancellationToken cancellationToken) => _copier.CopyAsync(
        _archivedSlots.Count > 0 ? _archivedSlots.Max() : null,
        _archivedSlots.Contains,
        OpenedAsync,
        cancellationToken);

    private async Task OpenedAsync(SnapshotOffer offer, CancellationToken cancellationToken)
    {
        if (_shipper.ClusterId is null)
        {
            await ArchiveMarker.ClaimAsync(_store, offer.ClusterId, _time.GetUtcNow(), cancellationToken);
            await BeginAsync(offer.ClusterId, cancellationToken);
        }
        else
        {
            // The mount point of a volume that is no longer mounted looks like a new archive.
            await ArchiveMarker.CheckAsync(_store, offer.ClusterId, cancellationToken);
        }

        _openSlot = offer.Slot;
        if (_shipper.Next is null)
        {
            // An earlier backup may have shipped log after that slot: it is not read again.
            long end = LogChain.After(_log, offer.Slot).LastOrDefault()?.LastSlot ?? offer.Slot;
            _progress.ShippedBefore(end);
            _shipper.BeginAt(end + 1);
            _needsSnapshot = false;
        }
    }

    /// <returns>Whether the backup is complete.</returns>
    private async Task<bool> ShipAsync(Task? copying, CancellationToken cancellationToken)
    {
        if (_shipper.Next is null)
        {
            await WaitAsync(OpenPollInterval, copying, cancellationToken);
            return false;
        }

        bool isEnding = !_options.IsContinuous && copying is null;
        switch (await StepAsync(isEnding, cancellationToken))
        {
            case ShipResult.Ended:
                return true;
            case ShipResult.CaughtUp:
                await WaitAsync(isEnding ? LogPollInterval : _options.ShipEvery, copying, cancellationToken);
                break;
            case ShipResult.Gap:
                OnGap();
                break;
            default:
                break;
        }

        return false;
    }

    /// <summary>
    /// A backup that is not continuous ends once it has shipped everything that was applied when its snapshot was
    /// complete, and knows the commit version there: a version beyond the last known one cannot be restored by number.
    /// After <see cref="MaxEndReads"/> reads without that version it ends all the same.
    /// </summary>
    private bool HasEnd(ShipResult result)
    {
        _end ??= _shipper.AppliedSlot;
        return _shipper.VersionedSlot >= _end || (result == ShipResult.CaughtUp && ++_endReads >= MaxEndReads);
    }

    private async Task<ShipResult> StepAsync(bool isEnding, CancellationToken cancellationToken)
    {
        try
        {
            await KeepLeaseAsync(cancellationToken);
            ShipResult result = await _shipper.StepAsync(cancellationToken);
            if (isEnding && HasEnd(result))
            {
                result = ShipResult.Ended;
            }

            if (result != ShipResult.More)
            {
                await _shipper.FlushAsync(atLeastBytes: 1, cancellationToken);
            }

            _backoff.Succeeded();
            if (_isFailing)
            {
                _isFailing = false;
                _progress.Tell("log shipping has resumed");
            }

            return result;
        }
        catch (Exception exception)
            when (exception is SourceException or ArchiveUnavailableException && _backoff.TryFail())
        {
            if (!_isFailing)
            {
                _isFailing = true;
                _progress.Tell($"{exception.Message}; log shipping is retried");
            }

            await _backoff.PauseAsync(cancellationToken);
            return ShipResult.More;
        }
    }

    /// <summary>
    /// Takes the lease anew where the archive could not be reached for longer than the lease lasts; fails if another
    /// backup has taken over.
    /// </summary>
    private async Task KeepLeaseAsync(CancellationToken cancellationToken)
    {
        if (_lease is { IsLost: true } lost)
        {
            _lease = null;
            await lost.DisposeAsync();
        }

        _lease ??= await ArchiveLease.TakeAsync(
            _store, LeaseUse.Ship, _options.Leases, _progress.Tell, cancellationToken);
    }

    /// <summary>Resumes the log after a snapshot: the one that is being copied, or a new one.</summary>
    private void OnGap()
    {
        long next = _shipper.Next!.Value;
        _end = null;
        if (!_options.IsContinuous && ++_gaps > MaxGaps)
        {
            throw new ArchiveException(
                "the replicas trim their logs faster than they can be copied, so the backup was given up: raise"
                + " [snapshots] log_retention_bytes, or the backup's own rate limit if it has one");
        }

        bool isBehind = _openSlot >= next;
        _progress.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"no replica has slot {next} in its log any more: the archive has a gap from there to the snapshot")
            + (isBehind ? " that is being copied" : " that is copied next"));
        if (isBehind)
        {
            _shipper.BeginAt(_openSlot!.Value + 1);
        }
        else
        {
            _shipper.Halt();
            _needsSnapshot = true;
        }
    }

    /// <summary>Waits for the pause, or until the snapshot is complete.</summary>
    private static async Task WaitAsync(TimeSpan pause, Task? copying, CancellationToken cancellationToken)
    {
        var delay = Task.Delay(pause, cancellationToken);
        await Task.WhenAny(delay, copying ?? delay);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Waits for the copying task to end. Its failure is not reported: the first failure is.</summary>
    private static async Task EndedAsync(Task? copying)
    {
        try
        {
            await (copying ?? Task.CompletedTask);
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or SourceException or ArchiveException)
        {
            // It was reported already, or the backup was stopped.
        }
    }

    private async Task FlushAtEndAsync()
    {
        using var limit = new CancellationTokenSource(FlushTimeout);
        try
        {
            await _shipper.FlushAsync(atLeastBytes: 1, limit.Token);
        }
        catch (Exception exception) when (exception is ArchiveException or OperationCanceledException)
        {
            _progress.Tell(
                "the log that was read last is not in the archive; the next backup reads it again:"
                + $" {exception.Message}");
        }
    }
}
