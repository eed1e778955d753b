using System.Globalization;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Source;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Copying;

/// <summary>
/// One backup: a snapshot, and beside it the log from where the archive ends. One that goes on ships the log until it
/// is stopped, and makes a snapshot now and then.
/// </summary>
/// <remarks>
/// The log is read while the snapshot is copied: what a replica keeps of its log for a backup is bounded, and copying
/// may take longer than that lasts.
/// </remarks>
internal sealed class BackupRun : IAsyncDisposable
{
    /// <summary>A backup that does not go on gives up when the log is gone again before it could be read.</summary>
    private const int MostGaps = 3;

    /// <summary>So often it looks for the version of its last slot: see <see cref="HasEnd"/>.</summary>
    private const int MostEndReads = 20;

    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan UntilOpened = TimeSpan.FromMilliseconds(50);

    /// <summary>A replica's log records within 50 ms what is chosen.</summary>
    private static readonly TimeSpan UntilLogged = TimeSpan.FromMilliseconds(100);

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

    /// <param name="sources">The replicas in the order in which they are asked; at least one.</param>
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

    /// <summary>Runs it to its end, or until it is stopped.</summary>
    /// <exception cref="ArchiveException">The archive cannot be written, or is that of another cluster.</exception>
    /// <exception cref="SourceException">No replica gave what is needed.</exception>
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

    /// <summary>One that goes on where another was stopped makes no snapshot before it is time.</summary>
    private DateTimeOffset FirstDue() => _options.IsContinuous && _lastTaken is { } taken && _shipper.Next is not null
        ? taken + _options.SnapshotEvery
        : _time.GetUtcNow();

    /// <summary>Nobody else appends log from here on, and it goes on where the archive ends.</summary>
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
            // A directory that is mounted no more looks like a new archive.
            await ArchiveMarker.CheckAsync(_store, offer.ClusterId, cancellationToken);
        }

        _openSlot = offer.Slot;
        if (_shipper.Next is null)
        {
            // What a backup before this one shipped behind that slot need not be read again.
            long end = LogChain.After(_log, offer.Slot).LastOrDefault()?.LastSlot ?? offer.Slot;
            _progress.ShippedBefore(end);
            _shipper.BeginAt(end + 1);
            _needsSnapshot = false;
        }
    }

    /// <returns>Whether all is done that was asked for.</returns>
    private async Task<bool> ShipAsync(Task? copying, CancellationToken cancellationToken)
    {
        if (_shipper.Next is null)
        {
            await WaitAsync(UntilOpened, copying, cancellationToken);
            return false;
        }

        bool isEnding = !_options.IsContinuous && copying is null;
        switch (await StepAsync(isEnding, cancellationToken))
        {
            case ShipResult.Ended:
                return true;
            case ShipResult.CaughtUp:
                await WaitAsync(isEnding ? UntilLogged : _options.ShipEvery, copying, cancellationToken);
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
    /// It ends with all that was applied when its snapshot was whole, and with the version of that: what is not known
    /// to be there cannot be restored by its version. A replica that does not come to tell keeps it only for a while.
    /// </summary>
    private bool HasEnd(ShipResult result)
    {
        _end ??= _shipper.AppliedSlot;
        return _shipper.VersionedSlot >= _end || (result == ShipResult.CaughtUp && ++_endReads >= MostEndReads);
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
                _progress.Tell("the log is shipped again");
            }

            return result;
        }
        catch (Exception exception)
            when (exception is SourceException or ArchiveUnavailableException && _backoff.TryFail())
        {
            if (!_isFailing)
            {
                _isFailing = true;
                _progress.Tell($"{exception.Message}; tries again");
            }

            await _backoff.PauseAsync(cancellationToken);
            return ShipResult.More;
        }
    }

    /// <summary>
    /// An archive that was away for longer than the lease lasts: it goes on, unless another has taken over.
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

    /// <summary>The log goes on behind a snapshot: the one that is copied, or a new one.</summary>
    private void OnGap()
    {
        long next = _shipper.Next!.Value;
        _end = null;
        if (!_options.IsContinuous && ++_gaps > MostGaps)
        {
            throw new ArchiveException(
                "the replicas drop their log faster than it can be copied; raise [snapshots] log_retention_bytes");
        }

        bool isBehind = _openSlot >= next;
        _progress.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"no replica has slot {next} in its log any more: what follows it cannot be restored up to the snapshot")
            + (isBehind ? " that is copied" : " that is made now"));
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

    /// <summary>Waits so long, or until the snapshot is whole.</summary>
    private static async Task WaitAsync(TimeSpan pause, Task? copying, CancellationToken cancellationToken)
    {
        var delay = Task.Delay(pause, cancellationToken);
        await Task.WhenAny(delay, copying ?? delay);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The first failure is the one that counts.</summary>
    private static async Task EndedAsync(Task? copying)
    {
        try
        {
            await (copying ?? Task.CompletedTask);
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or SourceException or ArchiveException)
        {
            // Told already, or stopped.
        }
    }

    private async Task FlushAtEndAsync()
    {
        using var limit = new CancellationTokenSource(LastFlush);
        try
        {
            await _shipper.FlushAsync(atLeastBytes: 1, limit.Token);
        }
        catch (Exception exception) when (exception is ArchiveException or OperationCanceledException)
        {
            _progress.Tell($"what was read of the log last is not in the archive: {exception.Message}");
        }
    }
}
