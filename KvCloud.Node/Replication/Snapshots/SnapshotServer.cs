using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Creates a snapshot of the data store when a replica or a backup asks for one. Replicas request it chunk by chunk
/// over the transport; backups read it by calls. One snapshot at a time serves all readers. While it is served, and for
/// a while after, the log after it is pinned.
/// </summary>
/// <remarks>
/// A snapshot is a checkpoint of the store and a manifest of its files. The manifest is made last and kept in memory
/// only: without it nobody can read the files, and after a restart another snapshot is created.
/// </remarks>
internal sealed class SnapshotServer(
    NodeId self,
    KvStoreExecutor executor,
    IConsensusTransport transport,
    SnapshotPlace place,
    IReplicaRuntime runtime,
    SnapshotOptions options) : IWork, IDisposable
{
    /// <summary>Requests that wait for the worker; more are dropped, and will be sent again.</summary>
    private const int MaxWaiting = 64;

    private const int IdleMs = 1000;
    private const int WaitsForRateMs = 10;

    private readonly IReplicaClock _clock = runtime.Clock;
    private readonly Lock _gate = new();

    // Under the gate.
    private readonly Queue<SnapshotRequest> _waiting = [];
    private Slot? _wantedAbove;
    private string? _failure;
    private bool _isClosed;

    // Of the worker.
    private readonly List<Message> _replies = [];
    private readonly CheckpointFiles _files = new(place.Files, place.Paths.Checkpoint);
    private AppliedState? _made;
    private long _madeUnixMs;
    private volatile ServedSnapshot? _served;
    private long _askedAtMs;
    private volatile bool _waitsForRate;
    private volatile bool _isPreparing;

    /// <summary>The pins of the log for readers of the snapshot.</summary>
    public LogPins Pins { get; } = new(runtime.Clock, options.KeepMs);

    /// <summary>The rate limit shared by replicas and backups.</summary>
    public RateLimit Rate { get; } = new(runtime.Clock, options.MaxBytesPerSecond);

    /// <summary>Snapshots created since the start.</summary>
    public int Made { get; private set; }

    /// <summary>The snapshot that is ready; null if there is none. Any thread.</summary>
    public ServedSnapshot? Served => _served;

    public int MaxSleepMs => _waitsForRate ? WaitsForRateMs : IdleMs;

    public void Receive(SnapshotRequest request)
    {
        lock (_gate)
        {
            // A damaged replica stays silent, and the requester gives it up for another.
            if (_waiting.Count < MaxWaiting && !_isClosed && !executor.Health.IsDamaged)
            {
                _waiting.Enqueue(request);
            }
        }
    }

    /// <summary>A backup wants a snapshot above this slot. The caller wakes the worker. Any thread.</summary>
    public void Want(Slot above)
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _wantedAbove = Slot.Max(above, _wantedAbove ?? above);
            }
        }
    }

    /// <summary>Takes the failure of the last attempt to create a snapshot; null for none. Any thread.</summary>
    public string? TakeFailure()
    {
        lock (_gate)
        {
            string? failure = _failure;
            _failure = null;
            return failure;
        }
    }

    /// <summary>Keeps the snapshot for this reader. False if too many backups pin the log. Any thread.</summary>
    public bool TryNoteServed(LogReader reader, ServedSnapshot snapshot)
    {
        Volatile.Write(ref _askedAtMs, _clock.NowMs);
        return Pins.TryNoteServed(reader, snapshot.Manifest.State.Slot);
    }

    /// <summary>A piece of the snapshot; null if it is gone. Any thread.</summary>
    public byte[]? ReadPiece(ServedSnapshot snapshot, int file, long offset, int count)
    {
        byte[]? content = null;
        try
        {
            content = snapshot.Read(place.Files, place.Paths.Checkpoint, file, offset, count);
        }
        catch (IOException) when (_served != snapshot)
        {
            // The snapshot was removed meanwhile.
        }

        // The next snapshot may have files of the same names: what was read is of this one only if it still is served.
        if (content is null || _served != snapshot)
        {
            return null;
        }

        runtime.Metrics?.SnapshotSent(content.Length);
        return content;
    }

    /// <summary>Requests that wait are dropped.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _waiting.Clear();
            _wantedAbove = null;
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return !_isClosed
                && (_isPreparing || _wantedAbove is not null || (_waiting.Count > 0 && !_waitsForRate));
        }
    }

    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            return !_isClosed
                && (_waiting.Count > 0 || _isPreparing || _wantedAbove is not null
                    || (reason == RunReason.TimedOut && _made is not null));
        }
    }

    public void Execute()
    {
        try
        {
            _waitsForRate = false;
            while (TryPeek(out SnapshotRequest? request))
            {
                if (!Rate.TryTake(request.Count))
                {
                    _waitsForRate = true;
                    break;
                }

                Answer(request);
                Dequeue();
            }

            if (TakeWanted() is Slot above && !(_served?.Manifest.State.Slot > above))
            {
                BeginPreparing();
            }

            if (_isPreparing)
            {
                Prepare();
            }
            else if (_made is not null && _clock.NowMs - Volatile.Read(ref _askedAtMs) > options.KeepMs)
            {
                place.Tell($"the snapshot of slot {_made.Slot} is no longer read, and was removed");
                Remove();
            }
        }
        catch (StoreCorruptException exception)
        {
            executor.Health.Report(StoreDamage.Of(exception));
            Forget();
            Fail(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            place.Tell($"creating or serving a snapshot failed; the next request tries again: {exception.Message}");
            Forget();
            Fail(exception.Message);
        }
    }

    public FollowUp Complete()
    {
        if (_replies.Count > 0)
        {
            transport.Send(_replies);
            _replies.Clear();
        }

        return default;
    }

    public void Abandon() => Close();

    /// <summary>After the last run.</summary>
    public void Dispose() => _files.Dispose();

    private bool TryPeek([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SnapshotRequest? request)
    {
        lock (_gate)
        {
            return _waiting.TryPeek(out request);
        }
    }

    private void Dequeue()
    {
        lock (_gate)
        {
            _waiting.TryDequeue(out _);
        }
    }

    private void Fail(string message)
    {
        lock (_gate)
        {
            _failure = message;
        }
    }

    private Slot? TakeWanted()
    {
        lock (_gate)
        {
            Slot? wanted = _wantedAbove;
            _wantedAbove = null;
            return wanted;
        }
    }

    private void BeginPreparing()
    {
        Volatile.Write(ref _askedAtMs, _clock.NowMs);
        _isPreparing = true;
    }

    private void Answer(SnapshotRequest request)
    {
        if (_served is { } served && (request.Id == served.Id || (request.Id == 0 && _made!.Slot > request.Above)))
        {
            Send(request, served);
        }
        else if (request.Id != 0)
        {
            Reply(request, SnapshotAnswer.Gone);
        }
        else
        {
            BeginPreparing();
            Reply(request, SnapshotAnswer.Preparing);
        }
    }

    private void Send(SnapshotRequest request, ServedSnapshot served)
    {
        TryNoteServed(LogReader.OfReplica(request.From), served);
        if (request.Count is <= 0 or > SnapshotRequest.MaxCount || request.File >= served.Manifest.Files.Count)
        {
            return;
        }

        long length = request.File < 0 ? served.Encoding.Length : served.Manifest.Files[request.File].SizeBytes;
        byte[] content;
        if (request.File < 0)
        {
            int from = (int)Math.Clamp(request.Offset, 0, length);
            content = served.Encoding[from..(int)Math.Min(length, (long)from + request.Count)];
        }
        else
        {
            content = served.Read(
                place.Files, place.Paths.Checkpoint, request.File, request.Offset, request.Count);
        }

        runtime.Metrics?.SnapshotSent(content.Length);
        _replies.Add(new SnapshotReply(
            self, request.From, SnapshotAnswer.Content, served.Id, request.File, request.Offset, length, content));
    }

    private void Reply(SnapshotRequest request, SnapshotAnswer answer) => _replies.Add(new SnapshotReply(
        self, request.From, answer, 0, request.File, request.Offset, 0, ReadOnlyMemory<byte>.Empty));

    /// <summary>One step of preparing a snapshot: creates the checkpoint, then hashes its files.</summary>
    private void Prepare()
    {
        if (_made is null || _served is not null)
        {
            Remove();
            _isPreparing = true;
            Make();
            return;
        }

        if (_files.Hash(options.HashRunBytes))
        {
            var manifest = new SnapshotManifest(place.ClusterId, _made, _files.TakeFiles());
            _served = new ServedSnapshot(manifest, manifest.Encode(), _madeUnixMs);
            _isPreparing = false;
            Made++;
            place.Tell(
                $"a snapshot of slot {_made.Slot} is ready: {manifest.Files.Count} files,"
                + $" {manifest.SizeBytes} bytes");
        }
    }

    private void Make()
    {
        // The log is pinned before the checkpoint: creating it flushes the store, which lets slots be trimmed.
        Pins.SetSnapshot(executor.DurableSlot);
        place.Files.DeleteDirectory(place.Paths.Checkpoint);
        AppliedState made = executor.CreateCheckpoint(place.Files, place.Paths.Checkpoint);
        using (IKvStore copy = place.OpenCopy(place.Paths.Checkpoint))
        {
            AppliedState? held = KvStoreExecutor.ReadApplied(copy);
            _madeUnixMs = KvStoreExecutor.ReadRecord(copy)?.LoggedUnixMs ?? 0;
            if (held != made)
            {
                throw new IOException(
                    $"a checkpoint of slot {made.Slot} holds slot {held?.Slot.ToString() ?? "none"}, and is dropped");
            }
        }

        _made = made;
        Pins.SetSnapshot(made.Slot);
        _files.Begin(executor.ListFiles());
    }

    private void Remove()
    {
        Forget();
        place.Files.DeleteDirectory(place.Paths.Checkpoint);
    }

    private void Forget()
    {
        _served = null;
        _files.Forget();
        _made = null;
        _isPreparing = false;
        Pins.SetSnapshot(null);
    }
}
