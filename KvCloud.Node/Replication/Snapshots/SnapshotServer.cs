using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Makes a snapshot of the data store when a replica asks for one, and sends it piece by piece, as it is asked for. One
/// snapshot at a time, for all who ask. While it is served, and for a while after, the log that follows it is kept.
/// </summary>
/// <remarks>
/// A snapshot is a checkpoint of the store and a manifest of its files, which is made last, in memory: without it
/// nobody asks for anything else, and after a restart another snapshot is made.
/// </remarks>
internal sealed class SnapshotServer(
    NodeId self,
    KvStoreExecutor executor,
    IConsensusTransport transport,
    SnapshotPlace place,
    IReplicaRuntime runtime,
    SnapshotOptions options) : IWork, IDisposable
{
    /// <summary>Requests that wait; those on top are dropped, and will be made again.</summary>
    private const int MaxWaiting = 64;

    private const int IdleMs = 1000;
    private const int WaitsForRateMs = 10;

    /// <summary>What RocksDB writes beside a store and nobody needs to open it.</summary>
    private static readonly string[] NotOfTheStore = ["LOG", "LOCK", "IDENTITY"];

    private readonly IReplicaClock _clock = runtime.Clock;
    private readonly Lock _gate = new();
    private readonly RateLimit _rate = new(runtime.Clock, options.MaxBytesPerSecond);

    /// <summary>Hashes of files that never change once they are written, by their names and sizes.</summary>
    private readonly Dictionary<(string Name, long SizeBytes), UInt128> _hashes = [];

    // Under the gate.
    private readonly Queue<SnapshotRequest> _waiting = [];
    private bool _isClosed;

    // Of the worker.
    private readonly List<Message> _replies = [];
    private readonly List<SnapshotFile> _files = [];
    private readonly Queue<string> _unhashed = [];
    private FileHash? _hashing;
    private string _hashedName = "";
    private AppliedState? _made;
    private byte[]? _manifest;
    private long _id;
    private long _askedAtMs;
    private volatile bool _waitsForRate;
    private volatile bool _isPreparing;

    /// <summary>What of the log is kept for those that are helped.</summary>
    public LogPins Pins { get; } = new(runtime.Clock, options.KeepMs);

    /// <summary>Snapshots made since the start.</summary>
    public int Made { get; private set; }

    public int MaxSleepMs => _waitsForRate ? WaitsForRateMs : IdleMs;

    public void Receive(SnapshotRequest request)
    {
        lock (_gate)
        {
            // Who asks a damaged replica hears nothing, and asks another.
            if (_waiting.Count < MaxWaiting && !_isClosed && !executor.Health.IsDamaged)
            {
                _waiting.Enqueue(request);
            }
        }
    }

    /// <summary>What waits will not be answered any more.</summary>
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
            return !_isClosed && (_isPreparing || (_waiting.Count > 0 && !_waitsForRate));
        }
    }

    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            return !_isClosed
                && (_waiting.Count > 0 || _isPreparing || (reason == RunReason.TimedOut && _made is not null));
        }
    }

    public void Execute()
    {
        try
        {
            _waitsForRate = false;
            while (TryPeek(out SnapshotRequest? request))
            {
                if (!_rate.TryTake(request.Count))
                {
                    _waitsForRate = true;
                    break;
                }

                Answer(request);
                Dequeue();
            }

            if (_isPreparing)
            {
                Prepare();
            }
            else if (_made is not null && _clock.NowMs - _askedAtMs > options.KeepMs)
            {
                place.Tell($"the snapshot of slot {_made.Slot} was not asked for any more, and is removed");
                Remove();
            }
        }
        catch (StoreCorruptException exception)
        {
            executor.Health.Report(StoreDamage.Of(exception));
            Forget();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            place.Tell($"no snapshot can be served for the moment: {exception.Message}");
            Forget();
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
    public void Dispose() => _hashing?.Dispose();

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

    private void Answer(SnapshotRequest request)
    {
        if (_manifest is not null && request.Id == _id)
        {
            _askedAtMs = _clock.NowMs;
            Send(request);
        }
        else if (request.Id != 0)
        {
            Reply(request, SnapshotAnswer.Gone);
        }
        else if (_manifest is not null && _made!.Slot > request.Above)
        {
            _askedAtMs = _clock.NowMs;
            Send(request);
        }
        else
        {
            _askedAtMs = _clock.NowMs;
            _isPreparing = true;
            Reply(request, SnapshotAnswer.Preparing);
        }
    }

    private void Send(SnapshotRequest request)
    {
        if (request.Count is <= 0 or > SnapshotRequest.MaxCount || request.File >= _files.Count)
        {
            return;
        }

        long length = request.File < 0 ? _manifest!.Length : _files[request.File].SizeBytes;
        int count = (int)Math.Clamp(length - request.Offset, 0, request.Count);
        byte[] content = new byte[count];
        if (request.File < 0)
        {
            _manifest.AsSpan((int)Math.Min(request.Offset, length), count).CopyTo(content);
        }
        else
        {
            ReadChunk(_files[request.File], request.Offset, content);
        }

        runtime.Metrics?.SnapshotSent(count);
        Pins.NoteServed(request.From, _made!.Slot);
        _replies.Add(new SnapshotReply(
            self, request.From, SnapshotAnswer.Content, _id, request.File, request.Offset, length, content));
    }

    private void ReadChunk(SnapshotFile file, long offset, byte[] content)
    {
        using IFile source = place.Files.Open(
            Path.Combine(place.Paths.Checkpoint, file.Name), FileMode.Open, FileAccess.Read);
        if (source.ReadFully(content, offset) < content.Length)
        {
            throw new EndOfStreamException($"{file.Name} of the snapshot has become shorter");
        }
    }

    private void Reply(SnapshotRequest request, SnapshotAnswer answer) => _replies.Add(new SnapshotReply(
        self, request.From, answer, 0, request.File, request.Offset, 0, ReadOnlyMemory<byte>.Empty));

    /// <summary>One step on the way to a manifest.</summary>
    private void Prepare()
    {
        if (_made is null || _manifest is not null)
        {
            Remove();
            _isPreparing = true;
            Make();
            return;
        }

        long left = options.HashRunBytes;
        while (left > 0 && (_hashing is not null || _unhashed.Count > 0))
        {
            left -= HashOn(left);
        }

        if (_hashing is null && _unhashed.Count == 0)
        {
            _manifest = new SnapshotManifest(place.ClusterId, _made, _files).Encode();
            _id = SnapshotManifest.IdOf(_manifest);
            _isPreparing = false;
            Made++;
            KeepHashes();
            place.Tell(
                $"a snapshot of slot {_made.Slot} is ready: {_files.Count} files,"
                + $" {_files.Sum(file => file.SizeBytes)} bytes");
        }
    }

    private void Make()
    {
        // What follows the snapshot is pinned before it is made: it makes slots durable, and so lets them be trimmed.
        Pins.SetSnapshot(executor.DurableSlot);
        place.Files.DeleteDirectory(place.Paths.Checkpoint);
        AppliedState made = executor.CreateCheckpoint(place.Files, place.Paths.Checkpoint);
        using (IKvStore copy = place.OpenCopy(place.Paths.Checkpoint))
        {
            AppliedState? held = KvStoreExecutor.ReadApplied(copy);
            if (held != made)
            {
                throw new IOException(
                    $"a checkpoint of slot {made.Slot} holds {held?.Slot.ToString() ?? "nothing"}: it is of no use");
            }
        }

        _made = made;
        Pins.SetSnapshot(made.Slot);
        foreach (string path in place.Files.ListFiles(place.Paths.Checkpoint).Order(StringComparer.Ordinal))
        {
            if (!Array.Exists(NotOfTheStore, name => IsNamed(Path.GetFileName(path), name)))
            {
                _unhashed.Enqueue(path);
            }
        }
    }

    /// <summary>LOG, and LOG.old.1 too.</summary>
    private static bool IsNamed(string file, string name) =>
        file == name || file.StartsWith(name + ".", StringComparison.Ordinal);

    private long HashOn(long maxBytes)
    {
        string path = _hashing is null ? _unhashed.Dequeue() : Path.Combine(place.Paths.Checkpoint, _hashedName);
        if (_hashing is null)
        {
            _hashedName = Path.GetFileName(path);
            _hashing = new FileHash(place.Files, path);
            if (_hashes.TryGetValue((_hashedName, _hashing.SizeBytes), out UInt128 known))
            {
                EndFile(known);
                return 1;
            }
        }

        long read = _hashing.Advance(maxBytes);
        if (_hashing.IsComplete)
        {
            UInt128 hash = _hashing.Value;
            if (_hashedName.EndsWith(".sst", StringComparison.Ordinal))
            {
                _hashes[(_hashedName, _hashing.SizeBytes)] = hash;
            }

            EndFile(hash);
        }

        return Math.Max(1, read);
    }

    /// <summary>Of the files that the store still has.</summary>
    private void KeepHashes()
    {
        HashSet<(string, long)> kept = [.. _files.Select(file => (file.Name, file.SizeBytes))];
        foreach ((string, long) gone in _hashes.Keys.Where(file => !kept.Contains(file)).ToList())
        {
            _hashes.Remove(gone);
        }
    }

    private void EndFile(UInt128 hash)
    {
        _files.Add(new SnapshotFile(_hashedName, _hashing!.SizeBytes, hash));
        _hashing.Dispose();
        _hashing = null;
    }

    private void Remove()
    {
        Forget();
        place.Files.DeleteDirectory(place.Paths.Checkpoint);
    }

    private void Forget()
    {
        _hashing?.Dispose();
        _hashing = null;
        _unhashed.Clear();
        _files.Clear();
        _made = null;
        _manifest = null;
        _id = 0;
        _isPreparing = false;
        Pins.SetSnapshot(null);
    }
}
