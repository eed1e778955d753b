using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// One download of one snapshot from one source: the manifest first, then file after file, a few chunks at a time. Of
/// the receiver's worker.
/// </summary>
/// <remarks>
/// Chunks that are lost are requested again; chunks that arrive twice are ignored. A source that has dropped its
/// snapshot and offers another gets a new download, so nothing known of one snapshot is used for another.
/// </remarks>
/// <param name="above">Only a snapshot of a slot above this one helps. It may rise during the download.</param>
/// <param name="accept">Called with the manifest before any file; throws if the snapshot is of no use.</param>
/// <param name="requests">Receives the requests to send.</param>
internal sealed class SnapshotDownload(
    NodeId self,
    NodeId source,
    IncomingFiles files,
    SnapshotPlace place,
    IReplicaRuntime runtime,
    SnapshotOptions options,
    RateLimit rate,
    Func<Slot> above,
    Action<SnapshotManifest> accept,
    List<Message> requests)
{
    private const int ManifestFile = -1;
    private readonly int _chunkBytes = Math.Min(options.ChunkBytes, SnapshotRequest.MaxCount);
    private readonly Queue<SnapshotFile> _toCheck = [];
    private readonly HashSet<string> _complete = [];
    private long _askedAtMs;
    private long _id;
    private byte[] _manifestBytes = [];
    private int _file = ManifestFile;
    private ChunkWindow? _window;
    private long _doneBytes;

    public NodeId Source => source;

    /// <summary>Whether the source has named its snapshot.</summary>
    public bool HasBegun => _id != 0;

    /// <summary>Null until all of it has arrived.</summary>
    public SnapshotManifest? Manifest { get; private set; }

    public ReadOnlySpan<byte> ManifestBytes => _manifestBytes;

    public SnapshotProgress Progress { get; private set; } = new(source, null, 0, 0);

    /// <summary>Files that an earlier download had completed.</summary>
    public int FilesKept { get; private set; }

    /// <summary>Takes content that the source has sent.</summary>
    /// <exception cref="InvalidDataException">The source sent something else than a snapshot that helps.</exception>
    public void Take(SnapshotReply reply)
    {
        if (_id == 0)
        {
            BeginManifest(reply);
        }

        if (reply.Id != _id || reply.File != _file || _window?.TryTake(reply.Offset, reply.Content.Length) != true)
        {
            return;
        }

        runtime.Metrics?.SnapshotReceived(reply.Content.Length);
        if (_file == ManifestFile)
        {
            reply.Content.CopyTo(_manifestBytes.AsMemory((int)reply.Offset));
            if (_window.IsComplete)
            {
                BeginFiles();
            }

            return;
        }

        files.Write(reply.Offset, reply.Content.Span);
        _doneBytes += reply.Content.Length;
        Report();
        if (_window.IsComplete)
        {
            EndFile();
        }
    }

    /// <summary>Requests what is due, or checks a file of an earlier download.</summary>
    /// <returns>Whether every file is complete and verified.</returns>
    public bool Advance(long nowMs)
    {
        if (Manifest is null)
        {
            RequestManifest(nowMs);
            return false;
        }

        if (_toCheck.TryDequeue(out SnapshotFile? found))
        {
            Check(found);
            KeepAlive(nowMs);
            return false;
        }

        return FetchFiles(nowMs);
    }

    private void BeginManifest(SnapshotReply reply)
    {
        if (reply.File == ManifestFile && reply.Offset == 0 && reply.Id != 0)
        {
            if (reply.Length is <= 0 or > SnapshotManifest.MaxSizeBytes)
            {
                throw new InvalidDataException($"its manifest has {reply.Length} bytes");
            }

            _id = reply.Id;
            _manifestBytes = new byte[reply.Length];
            _window = NewWindow(reply.Length);
            _window.NoteAsked(0, runtime.Clock.NowMs);
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

        accept(manifest);
        Manifest = manifest;
        _window = null;
        foreach (SnapshotFile file in files.Begin(manifest))
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
            $"fetches a snapshot of slot {manifest.State.Slot} from {source}: {manifest.Files.Count} files,"
            + $" {manifest.SizeBytes} bytes, of which {missing} are missing here");
        Report();
    }

    private void RequestManifest(long nowMs)
    {
        if (_window is not null)
        {
            RequestChunks(nowMs);
        }
        else if (_askedAtMs == 0 || nowMs - _askedAtMs >= options.ResendMs)
        {
            _askedAtMs = nowMs;
            Request(0, ManifestFile, 0, _chunkBytes);
        }
    }

    /// <summary>Keeps the source from dropping its snapshot while files of an earlier download are checked.</summary>
    private void KeepAlive(long nowMs)
    {
        if (nowMs - _askedAtMs >= options.ResendMs)
        {
            _askedAtMs = nowMs;
            Request(_id, ManifestFile, 0, 1);
        }
    }

    private void Check(SnapshotFile file)
    {
        if (files.Keep(file))
        {
            _complete.Add(file.Name);
            _doneBytes += file.SizeBytes;
            FilesKept++;
            Report();
        }
    }

    private bool FetchFiles(long nowMs)
    {
        while (_window is null)
        {
            int next = FindMissing();
            if (next < 0)
            {
                return true;
            }

            _file = next;
            files.BeginFile(Manifest!.Files[next]);
            _window = NewWindow(Manifest.Files[next].SizeBytes);
            if (_window.IsComplete)
            {
                // An empty file has no chunk that could arrive.
                EndFile();
            }
        }

        RequestChunks(nowMs);
        return false;
    }

    private int FindMissing()
    {
        for (int i = 0; i < Manifest!.Files.Count; i++)
        {
            if (!_complete.Contains(Manifest.Files[i].Name))
            {
                return i;
            }
        }

        return -1;
    }

    private void RequestChunks(long nowMs)
    {
        while (_window!.NextDue(nowMs) is long offset && rate.TryTake(_window.CountAt(offset)))
        {
            _window.NoteAsked(offset, nowMs);
            Request(_id, _file, offset, _window.CountAt(offset));
        }
    }

    private void EndFile()
    {
        SnapshotFile file = Manifest!.Files[_file];
        _window = null;
        _file = ManifestFile;
        if (!files.TryEndFile(file))
        {
            throw new InvalidDataException($"{file.Name} does not match the hash in the manifest");
        }

        _complete.Add(file.Name);
    }

    private void Request(long id, int file, long offset, int count) =>
        requests.Add(new SnapshotRequest(self, source, id, above(), file, offset, count));

    private void Report() =>
        Progress = new SnapshotProgress(source, Manifest!.State.Slot, _doneBytes, Manifest.SizeBytes);
}
