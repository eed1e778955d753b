using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Fetches a snapshot when this replica has fallen below the others' logs: the manifest first, then file after file,
/// some chunks of one at a time. When all is here and verified, the next start of the replica puts it in place.
/// </summary>
/// <remarks>
/// Whatever is lost or comes twice is asked for again or ignored. A source that falls silent is given up; the core
/// names another in turn. Files that are whole stay, whoever sent them, and are not fetched again as long as the next
/// manifest has them too.
/// Over 400 lines: what a reply means depends on all that is known of the transfer, and is read in one place. The
/// files on disk, the chunks on their way and the rate have files of their own.
/// </remarks>
internal sealed class SnapshotReceiver(
    NodeId self,
    Func<Slot> chosenSlot,
    IConsensusTransport transport,
    SnapshotPlace place,
    IReplicaRuntime runtime,
    SnapshotOptions options) : IWork, IDisposable
{
    private const int MaxWaiting = 64;
    private const int IdleMs = 1000;
    private const int BusyMs = 10;
    private const int Manifest = -1;

    private readonly IReplicaClock _clock = runtime.Clock;
    private readonly Lock _gate = new();
    private readonly RateLimit _rate = new(runtime.Clock, options.MaxBytesPerSecond);
    private readonly IncomingFiles _files = new(place.Files, place.Paths);
    private readonly int _chunkBytes = Math.Min(options.ChunkBytes, SnapshotRequest.MaxCount);

    // Under the gate.
    private readonly Queue<SnapshotReply> _waiting = [];
    private SnapshotNeed? _need;
    private (NodeId From, Slot AtLeast)? _order;
    private bool _isClosed;

    // Of the worker.
    private readonly List<Message> _requests = [];
    private readonly Queue<SnapshotFile> _toCheck = [];
    private readonly HashSet<string> _here = [];
    private NodeId? _source;

    /// <summary>The source that was given up last, and when: another one is taken if there is any.</summary>
    private NodeId? _silent;
    private long _silentAtMs;
    private long _heardAtMs;
    private long _askedAtMs;
    private long _retryAtMs;
    private long _neededAtMs = runtime.Clock.NowMs;
    private long _begunAtMs;
    private long _id;
    private byte[] _manifestBytes = [];
    private SnapshotManifest? _manifest;
    private int _file = Manifest;
    private ChunkWindow? _window;
    private long _doneBytes;
    private bool _isReady;

    /// <summary>The data are replaced whatever this replica has, by ones of this slot or a later one.</summary>
    private bool _isRebuild;
    private Slot _atLeast;
    private long _rebuildSlot = long.MaxValue;
    private volatile bool _isRebuilding;
    private volatile SnapshotProgress? _progress;

    /// <summary>Null when none is fetched.</summary>
    public SnapshotProgress? Progress => _progress;

    /// <summary>Files that were found whole, of an earlier attempt or process.</summary>
    public int FilesKept { get; private set; }

    /// <summary>Snapshots that were given up because the replica had caught up without.</summary>
    public int Discarded { get; private set; }

    /// <summary>Files whose content was not what the manifest says.</summary>
    public int Mismatches { get; private set; }

    /// <summary>A snapshot is fetched that <see cref="Rebuild"/> has asked for, or waits to be put in place.</summary>
    public bool IsRebuilding => _isRebuilding;

    /// <summary>
    /// Of which state that is, or will be at least: the log above it is needed. Null where nothing is fetched. Any
    /// thread.
    /// </summary>
    public Slot? RebuildSlot =>
        Volatile.Read(ref _rebuildSlot) is long slot and < long.MaxValue ? new Slot(slot) : null;

    public int MaxSleepMs => _source is null ? IdleMs : BusyMs;

    /// <summary>The core knows of no other help. The worker has to be woken afterwards.</summary>
    public void Need(SnapshotNeed need)
    {
        lock (_gate)
        {
            _need = need;
        }
    }

    /// <summary>
    /// Fetches a snapshot although this replica has caught up, since its data are to be replaced. One attempt; the
    /// worker has to be woken afterwards.
    /// </summary>
    /// <param name="atLeast">One of an earlier slot is of no use: the log has not what follows it.</param>
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
                if (!_isReady && _source == reply.From)
                {
                    _heardAtMs = _clock.NowMs;
                    Take(reply);
                }
            }

            if (_source is not null && !_isReady)
            {
                GoOn();
            }
            else if (_source is null && _files.IsAny && _clock.NowMs - _neededAtMs > options.KeepMs)
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
            GiveUp($"node {_source} sent what is no snapshot: {exception.Message}", options.RetryMs);
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
        if (_source is null && !_isReady)
        {
            place.Tell($"asks {from} for a snapshot, of slot {atLeast} or a later one, to make the data anew");
            BeginWith(from);
        }
    }

    private void BeginWith(NodeId source)
    {
        _source = source;
        _heardAtMs = _clock.NowMs;
        _begunAtMs = _heardAtMs;
        AskAnew();
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
        bool isSilent = need.Value.From == _silent && nowMs - _silentAtMs < options.SourceTimeoutMs;
        if (_source is null && !_isReady && !isSilent && nowMs >= _retryAtMs)
        {
            place.Tell(
                $"slot {chosenSlot().Next} is in no log any more, that of {need.Value.From} begins at"
                + $" {need.Value.FirstAvailable}: asks it for a snapshot");
            BeginWith(need.Value.From);
        }
    }

    /// <summary>Asks the source for a manifest, of whatever snapshot it has.</summary>
    private void AskAnew()
    {
        _files.EndPart();
        _id = 0;
        _manifest = null;
        _window = null;
        _file = Manifest;
        _toCheck.Clear();
        _here.Clear();
        _doneBytes = 0;
        _askedAtMs = 0;
        _progress = new SnapshotProgress(_source!.Value, null, 0, 0);
    }

    private void Take(SnapshotReply reply)
    {
        if (reply.Answer == SnapshotAnswer.Preparing)
        {
            return;
        }

        if (reply.Answer == SnapshotAnswer.Gone)
        {
            if (_id != 0)
            {
                AskAnew();
            }

            return;
        }

        if (_id == 0)
        {
            BeginManifest(reply);
        }

        if (reply.Id != _id || reply.File != _file || _window?.TryTake(reply.Offset, reply.Content.Length) != true)
        {
            return;
        }

        runtime.Metrics?.SnapshotReceived(reply.Content.Length);
        if (_file == Manifest)
        {
            reply.Content.CopyTo(_manifestBytes.AsMemory((int)reply.Offset));
            if (_window.IsComplete)
            {
                BeginFiles();
            }

            return;
        }

        _files.Write(reply.Offset, reply.Content.Span);
        _doneBytes += reply.Content.Length;
        Report();
        if (_window.IsComplete)
        {
            EndFile();
        }
    }

    private void BeginManifest(SnapshotReply reply)
    {
        if (reply.File == Manifest && reply.Offset == 0 && reply.Id != 0)
        {
            if (reply.Length is <= 0 or > SnapshotManifest.MaxSizeBytes)
            {
                throw new InvalidDataException($"its manifest has {reply.Length} bytes");
            }

            _id = reply.Id;
            _manifestBytes = new byte[reply.Length];
            _window = NewWindow(reply.Length);
            _window.NoteAsked(0, _clock.NowMs);
        }
    }

    private ChunkWindow NewWindow(long lengthBytes) =>
        new(lengthBytes, _chunkBytes, options.ChunksInFlight, options.ResendMs);

    private void BeginFiles()
    {
        var manifest = SnapshotManifest.Decode(_manifestBytes);
        if (manifest.ClusterId != place.ClusterId)
        {
            throw new InvalidDataException($"it is of cluster '{manifest.ClusterId}'");
        }

        if (_isRebuild && manifest.State.Slot < _atLeast)
        {
            throw new InvalidDataException(
                $"it is of slot {manifest.State.Slot}, and this replica's log begins above slot {_atLeast}");
        }

        if (_isRebuild)
        {
            Volatile.Write(ref _rebuildSlot, manifest.State.Slot.Value);
        }

        _manifest = manifest;
        _window = null;
        foreach (SnapshotFile file in _files.Begin(manifest))
        {
            _toCheck.Enqueue(file);
        }

        long missing = manifest.SizeBytes - _toCheck.Sum(file => file.SizeBytes);
        long available = place.Files.AvailableBytes(place.Paths.Directory);
        if (available - options.ReserveBytes < missing)
        {
            throw new IOException(
                $"the snapshot of slot {manifest.State.Slot} needs {missing} bytes more and {options.ReserveBytes} are"
                + $" to stay free, but the disk has {available}");
        }

        place.Tell(
            $"fetches a snapshot of slot {manifest.State.Slot} from {_source}: {manifest.Files.Count} files,"
            + $" {manifest.SizeBytes} bytes, of which {missing} are missing here");
        Report();
    }

    private void GoOn()
    {
        long nowMs = _clock.NowMs;
        if (!_isRebuild && _manifest is not null && chosenSlot() >= _manifest.State.Slot)
        {
            place.Tell($"has caught up beyond slot {_manifest.State.Slot} without the snapshot, which is discarded");
            Discarded++;
            _files.Remove();
            End();
            return;
        }

        if (nowMs - _heardAtMs > options.SourceTimeoutMs)
        {
            GiveUp($"{_source} has not answered for {options.SourceTimeoutMs} ms", 0);
            return;
        }

        if (_manifest is null)
        {
            AskForManifest(nowMs);
        }
        else if (_toCheck.TryDequeue(out SnapshotFile? found))
        {
            Check(found);
            AskToBeKept(nowMs);
        }
        else
        {
            FetchFiles(nowMs);
        }
    }

    private void AskForManifest(long nowMs)
    {
        if (_window is not null)
        {
            AskForChunks(nowMs);
        }
        else if (_askedAtMs == 0 || nowMs - _askedAtMs >= options.ResendMs)
        {
            _askedAtMs = nowMs;
            Ask(0, Manifest, 0, _chunkBytes);
        }
    }

    /// <summary>The source must not take the checking of what is here for the end of it.</summary>
    private void AskToBeKept(long nowMs)
    {
        if (nowMs - _askedAtMs >= options.ResendMs)
        {
            _askedAtMs = nowMs;
            Ask(_id, Manifest, 0, 1);
        }
    }

    private void Check(SnapshotFile file)
    {
        if (_files.Keep(file))
        {
            _here.Add(file.Name);
            _doneBytes += file.SizeBytes;
            FilesKept++;
            Report();
        }
    }

    private void FetchFiles(long nowMs)
    {
        while (_window is null)
        {
            int next = FindMissing();
            if (next < 0)
            {
                BeReady();
                return;
            }

            _file = next;
            _files.BeginFile(_manifest!.Files[next]);
            _window = NewWindow(_manifest.Files[next].SizeBytes);
            if (_window.IsComplete)
            {
                // An empty file has no chunk that could come.
                EndFile();
            }
        }

        AskForChunks(nowMs);
    }

    private int FindMissing()
    {
        for (int i = 0; i < _manifest!.Files.Count; i++)
        {
            if (!_here.Contains(_manifest.Files[i].Name))
            {
                return i;
            }
        }

        return -1;
    }

    private void AskForChunks(long nowMs)
    {
        while (_window!.NextDue(nowMs) is long offset && _rate.TryTake(_window.CountAt(offset)))
        {
            _window.NoteAsked(offset, nowMs);
            Ask(_id, _file, offset, _window.CountAt(offset));
        }
    }

    private void EndFile()
    {
        SnapshotFile file = _manifest!.Files[_file];
        _window = null;
        _file = Manifest;
        if (_files.TryEndFile(file))
        {
            _here.Add(file.Name);
            return;
        }

        Mismatches++;
        throw new InvalidDataException($"{file.Name} has not the hash that its manifest says");
    }

    private void BeReady()
    {
        _files.Release(_manifestBytes);
        _isReady = true;
        Report("waits to be put in place");
        runtime.Metrics?.SnapshotFetched(_clock.NowMs - _begunAtMs);
        place.Tell(
            $"the snapshot of slot {_manifest!.State.Slot} from {_source} is whole: restarts to put it in place");
        place.OnReady();
    }

    private void Ask(long id, int file, long offset, int count) =>
        _requests.Add(new SnapshotRequest(self, _source!.Value, id, Above, file, offset, count));

    /// <summary>Only a snapshot of a later slot than this helps.</summary>
    private Slot Above => _isRebuild ? Slot.Max(Slot.Zero, _atLeast.Previous) : chosenSlot();

    private void GiveUp(string reason, int retryMs)
    {
        _files.EndPart();
        place.Tell($"fetches no snapshot for the moment: {reason}");
        SnapshotProgress? progress = _progress;
        _retryAtMs = _clock.NowMs + retryMs;
        (_silent, _silentAtMs) = (_source, _clock.NowMs);
        End();
        _progress = progress is null ? null : progress with { Waits = reason };
    }

    private void End()
    {
        _source = null;
        _manifest = null;
        _window = null;
        _id = 0;
        _isRebuild = false;
        _progress = null;
        lock (_gate)
        {
            _isRebuilding = _order is not null;
            Volatile.Write(ref _rebuildSlot, _order?.AtLeast.Value ?? long.MaxValue);
        }
    }

    private void Report(string? waits = null) => _progress = new SnapshotProgress(
        _source!.Value, _manifest!.State.Slot, _doneBytes, _manifest.SizeBytes, waits);
}
