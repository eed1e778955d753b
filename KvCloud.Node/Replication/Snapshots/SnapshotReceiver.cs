using KvCloud.Consensus;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Fetches a snapshot when this replica has fallen below the others' logs, or is to rebuild its data: chooses the
/// source, runs one <see cref="SnapshotDownload"/> at a time, and releases a complete snapshot for the next start to
/// install.
/// </summary>
/// <remarks>
/// A source that falls silent is given up; the core names another in turn. Complete files stay, whichever source sent
/// them, and are not fetched again if the next manifest names them too.
/// </remarks>
internal sealed class SnapshotReceiver(
    NodeId self,
    Func<Slot> chosenSlot,
    IConsensusTransport transport,
    SnapshotPlace place,
    IReplicaRuntime runtime,
    SnapshotOptions options) : IWork, IDisposable
{
    /// <summary>Replies that wait for the worker; more are dropped, and their chunks requested again.</summary>
    private const int MaxWaiting = 64;
    private const int IdleMs = 1000;
    private const int BusyMs = 10;

    private readonly IReplicaClock _clock = runtime.Clock;
    private readonly Lock _gate = new();
    private readonly RateLimit _rate = new(runtime.Clock, options.MaxBytesPerSecond);
    private readonly IncomingFiles _files = new(place.Files, place.Paths);

    // Under the gate.
    private readonly Queue<SnapshotReply> _waiting = [];
    private SnapshotNeed? _need;
    private (NodeId From, Slot AtLeast)? _order;
    private bool _isClosed;

    // Of the worker.
    private readonly List<Message> _requests = [];
    private SnapshotDownload? _download;
    private int _keptBefore;

    /// <summary>
    /// Where the log begins of the peer that the core named last: one that reaches it needs no snapshot any more.
    /// </summary>
    private Slot _firstAvailable;

    /// <summary>The source that was given up last, and when: for a while only others are asked.</summary>
    private NodeId? _silent;
    private long _silentAtMs;
    private long _heardAtMs;
    private long _retryAtMs;
    private long _neededAtMs = runtime.Clock.NowMs;
    private long _begunAtMs;
    private bool _isReady;

    /// <summary>Whether the snapshot replaces the data even though this replica has caught up.</summary>
    private bool _isRebuild;
    private Slot _atLeast;
    private long _rebuildSlot = long.MaxValue;
    private volatile bool _isRebuilding;
    private volatile SnapshotProgress? _progress;

    /// <summary>Null when no snapshot is being fetched. Any thread.</summary>
    public SnapshotProgress? Progress => _progress;

    /// <summary>Files of earlier downloads that were complete and not fetched again.</summary>
    public int FilesKept => _keptBefore + (_download?.FilesKept ?? 0);

    /// <summary>Snapshots that were discarded because the replica had caught up from the log.</summary>
    public int Discarded { get; private set; }

    /// <summary>
    /// Whether a snapshot that <see cref="Rebuild"/> has ordered is being fetched or waits to be installed. Any thread.
    /// </summary>
    public bool IsRebuilding => _isRebuilding;

    /// <summary>
    /// A lower bound of the slot of the snapshot for the rebuild: the log above it must stay. Null while no rebuild is
    /// under way. Any thread.
    /// </summary>
    public Slot? RebuildSlot =>
        Volatile.Read(ref _rebuildSlot) is long slot and < long.MaxValue ? new Slot(slot) : null;

    public int MaxSleepMs => _download is null ? IdleMs : BusyMs;

    /// <summary>Only a snapshot of a slot above this one helps.</summary>
    private Slot Above => _isRebuild ? Slot.Max(Slot.Zero, _atLeast.Previous) : chosenSlot();

    /// <summary>The core needs a snapshot. The caller wakes the worker.</summary>
    public void Need(SnapshotNeed need)
    {
        lock (_gate)
        {
            _need = need;
        }
    }

    /// <summary>
    /// Fetches a snapshot to replace the data, even though this replica has caught up. One attempt. The caller wakes
    /// the worker.
    /// </summary>
    /// <param name="atLeast">The lowest slot that the snapshot may have: this log has nothing below the next.</param>
    public void Rebuild(NodeId from, Slot atLeast)
    {
        lock (_gate)
        {
            _order = (from, atLeast);
            _isRebuilding = true;
            Volatile.Write(ref _rebuildSlot, atLeast.Value);
        }
    }

    public void Receive(SnapshotReply reply)
    {
        lock (_gate)
        {
            if (_waiting.Count < MaxWaiting && !_isClosed)
            {
                _waiting.Enqueue(reply);
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _waiting.Clear();
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return !_isClosed && (_waiting.Count > 0 || _need is not null || _order is not null);
        }
    }

    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            return !_isClosed
                && (_waiting.Count > 0 || _need is not null || _order is not null || reason == RunReason.TimedOut);
        }
    }

    public void Execute()
    {
        try
        {
            TakeOrder();
            TakeNeed();
            while (TryDequeue(out SnapshotReply? reply))
            {
                if (!_isReady && _download is { } download && download.Source == reply.From)
                {
                    _heardAtMs = _clock.NowMs;
                    Take(download, reply);
                }
            }

            if (_download is not null && !_isReady)
            {
                Advance(_download);
            }
            else if (_download is null && _files.IsAny && _clock.NowMs - _neededAtMs > options.KeepMs)
            {
                _files.Remove();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            GiveUp(exception.Message, options.RetryMs);
        }
        catch (InvalidDataException exception)
        {
            GiveUp($"the snapshot that {_download?.Source} sends is of no use: {exception.Message}", options.RetryMs);
        }
    }

    public FollowUp Complete()
    {
        if (_requests.Count > 0)
        {
            transport.Send(_requests);
            _requests.Clear();
        }

        return default;
    }

    public void Abandon() => Close();

    /// <summary>After the last run.</summary>
    public void Dispose() => _files.Dispose();

    private bool TryDequeue([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SnapshotReply? reply)
    {
        lock (_gate)
        {
            return _waiting.TryDequeue(out reply);
        }
    }

    private void TakeOrder()
    {
        (NodeId From, Slot AtLeast)? order;
        lock (_gate)
        {
            order = _order;
            _order = null;
        }

        if (order is not (NodeId from, Slot atLeast))
        {
            return;
        }

        _isRebuild = true;
        _atLeast = atLeast;
        _neededAtMs = _clock.NowMs;
        if (_download is null && !_isReady)
        {
            place.Tell($"requests a snapshot of slot {atLeast} or a later one from {from}, to rebuild the data");
            BeginWith(from);
        }
    }

    private void TakeNeed()
    {
        SnapshotNeed? need;
        lock (_gate)
        {
            need = _need;
            _need = null;
        }

        if (need is null)
        {
            return;
        }

        long nowMs = _clock.NowMs;
        _neededAtMs = nowMs;
        _firstAvailable = need.Value.FirstAvailable;
        bool isSilent = need.Value.From == _silent && nowMs - _silentAtMs < options.SourceTimeoutMs;
        if (_download is null && !_isReady && !isSilent && nowMs >= _retryAtMs)
        {
            place.Tell(
                $"every peer that answers has trimmed slot {chosenSlot().Next} from its log; that of {need.Value.From}"
                + $" begins at slot {need.Value.FirstAvailable}: requests a snapshot from it");
            BeginWith(need.Value.From);
        }
    }

    private void BeginWith(NodeId source)
    {
        _heardAtMs = _clock.NowMs;
        _begunAtMs = _heardAtMs;
        BeginDownload(source);
    }

    /// <summary>Begins to download whatever snapshot the source has.</summary>
    private void BeginDownload(NodeId source)
    {
        _files.EndPart();
        _keptBefore = FilesKept;
        _download = new SnapshotDownload(
            self, source, _files, place, runtime, options, _rate, () => Above, Accept, _requests);
        _progress = _download.Progress;
    }

    private void Take(SnapshotDownload download, SnapshotReply reply)
    {
        if (reply.Answer == SnapshotAnswer.Preparing)
        {
            return;
        }

        if (reply.Answer == SnapshotAnswer.Gone)
        {
            if (download.HasBegun)
            {
                BeginDownload(download.Source);
            }

            return;
        }

        download.Take(reply);
        _progress = download.Progress;
    }

    /// <summary>Refuses a snapshot that is too old for the rebuild; otherwise pins the log above it.</summary>
    private void Accept(SnapshotManifest manifest)
    {
        if (_isRebuild && manifest.State.Slot < _atLeast)
        {
            throw new InvalidDataException(
                $"it is of slot {manifest.State.Slot}, and this replica's log begins above slot {_atLeast}");
        }

        if (_isRebuild)
        {
            Volatile.Write(ref _rebuildSlot, manifest.State.Slot.Value);
        }
    }

    private void Advance(SnapshotDownload download)
    {
        long nowMs = _clock.NowMs;
        if (!_isRebuild && CaughtUpWith(download) is string reached)
        {
            place.Tell($"has caught up {reached} from the log: the snapshot is discarded");
            Discarded++;
            _files.Remove();
            End();
            return;
        }

        if (nowMs - _heardAtMs > options.SourceTimeoutMs)
        {
            GiveUp($"{download.Source} has not answered for {options.SourceTimeoutMs} ms", 0);
            return;
        }

        bool isComplete = download.Advance(nowMs);
        _progress = download.Progress;
        if (isComplete)
        {
            Release(download);
        }
    }

    /// <summary>
    /// What this replica has reached without the snapshot; null as long as it needs one. Without a manifest it may wait
    /// for one for ever: each request names a higher slot, and has the source begin anew.
    /// </summary>
    private string? CaughtUpWith(SnapshotDownload download)
    {
        Slot chosen = chosenSlot();
        return download.Manifest is { } manifest
            ? chosen >= manifest.State.Slot ? $"beyond slot {manifest.State.Slot}" : null
            : chosen.Next >= _firstAvailable ? $"to slot {chosen}, where the log of a peer begins," : null;
    }

    private void Release(SnapshotDownload download)
    {
        _files.Release(download.ManifestBytes);
        _isReady = true;
        _progress = download.Progress with { Waits = "waits to be installed by a restart" };
        runtime.Metrics?.SnapshotFetched(_clock.NowMs - _begunAtMs);
        place.Tell(
            $"the snapshot of slot {download.Manifest!.State.Slot} from {download.Source} is complete: restarts to"
            + " install it");
        place.OnReady();
    }

    private void GiveUp(string reason, int retryMs)
    {
        _files.EndPart();
        place.Tell($"the fetching of a snapshot is interrupted: {reason}");
        SnapshotProgress? progress = _download?.Progress ?? _progress;
        _retryAtMs = _clock.NowMs + retryMs;
        (_silent, _silentAtMs) = (_download?.Source, _clock.NowMs);
        End();
        _progress = progress is null ? null : progress with { Waits = reason };
    }

    private void End()
    {
        _keptBefore = FilesKept;
        _download = null;
        _isRebuild = false;
        _progress = null;
        lock (_gate)
        {
            _isRebuilding = _order is not null;
            Volatile.Write(ref _rebuildSlot, _order?.AtLeast.Value ?? long.MaxValue);
        }
    }
}
