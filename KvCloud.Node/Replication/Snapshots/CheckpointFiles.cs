using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// The files of a checkpoint and their hashes, computed incrementally so that the worker can answer requests in
/// between. SST files never change, so their hashes are cached from one checkpoint to the next. One thread.
/// </summary>
internal sealed class CheckpointFiles(IFileSystem files, string directory) : IDisposable
{
    /// <summary>Files that RocksDB writes beside a store and does not need to open it.</summary>
    private static readonly string[] Excluded = ["LOG", "LOCK", "IDENTITY"];

    private readonly Dictionary<(string Name, long SizeBytes), UInt128> _known = [];
    private readonly List<SnapshotFile> _hashed = [];
    private readonly Queue<string> _unhashed = [];
    private FileHash? _hashing;
    private string _hashedName = "";
    private Dictionary<string, uint> _checksums = [];

    /// <summary>Begins with a new checkpoint in the directory.</summary>
    /// <param name="stored">The store's own record of the files, with their checksums.</param>
    public void Begin(IReadOnlyList<StoreFile> stored)
    {
        Forget();
        _checksums = stored.Where(file => file.Checksum is not null)
            .ToDictionary(file => file.Name, file => file.Checksum!.Value);
        foreach (string path in files.ListFiles(directory).Order(StringComparer.Ordinal))
        {
            if (!Array.Exists(Excluded, name => IsNamed(Path.GetFileName(path), name)))
            {
                _unhashed.Enqueue(path);
            }
        }
    }

    /// <summary>Hashes about so many more bytes. True when all files are hashed.</summary>
    /// <exception cref="StoreCorruptException">A file does not match the checksum of when it was written.</exception>
    public bool Hash(long maxBytes)
    {
        long left = maxBytes;
        while (left > 0 && (_hashing is not null || _unhashed.Count > 0))
        {
            left -= HashOn(left);
        }

        return _hashing is null && _unhashed.Count == 0;
    }

    /// <summary>The files with their hashes. Drops cached hashes of files that the store no longer has.</summary>
    public IReadOnlyList<SnapshotFile> TakeFiles()
    {
        HashSet<(string, long)> kept = [.. _hashed.Select(file => (file.Name, file.SizeBytes))];
        foreach ((string, long) gone in _known.Keys.Where(file => !kept.Contains(file)).ToList())
        {
            _known.Remove(gone);
        }

        return [.. _hashed];
    }

    /// <summary>The checkpoint is dropped.</summary>
    public void Forget()
    {
        _hashing?.Dispose();
        _hashing = null;
        _unhashed.Clear();
        _hashed.Clear();
    }

    public void Dispose() => _hashing?.Dispose();

    /// <summary>LOG, and LOG.old.1 too.</summary>
    private static bool IsNamed(string file, string name) =>
        file == name || file.StartsWith(name + ".", StringComparison.Ordinal);

    private long HashOn(long maxBytes)
    {
        string path = _hashing is null ? _unhashed.Dequeue() : Path.Combine(directory, _hashedName);
        if (_hashing is null)
        {
            _hashedName = Path.GetFileName(path);
            _hashing = new FileHash(files, path);
            if (_known.TryGetValue((_hashedName, _hashing.SizeBytes), out UInt128 known))
            {
                EndFile(known);
                return 1;
            }
        }

        long read = _hashing.Advance(maxBytes);
        if (_hashing.IsComplete)
        {
            CheckSound(_hashing);
            UInt128 hash = _hashing.Value;
            if (_hashedName.EndsWith(".sst", StringComparison.Ordinal))
            {
                _known[(_hashedName, _hashing.SizeBytes)] = hash;
            }

            EndFile(hash);
        }

        return Math.Max(1, read);
    }

    /// <summary>
    /// Compares with the checksum that the store recorded when it wrote the file. A hash of the file as it is now would
    /// carry damage over to the replica that fetches it.
    /// </summary>
    private void CheckSound(FileHash hashed)
    {
        if (_checksums.TryGetValue(_hashedName, out uint noted) && hashed.Checksum != noted)
        {
            throw new StoreCorruptException(
                $"{_hashedName} has checksum {hashed.Checksum:x8}, but had {noted:x8} when it was written",
                _hashedName);
        }
    }

    private void EndFile(UInt128 hash)
    {
        _hashed.Add(new SnapshotFile(_hashedName, _hashing!.SizeBytes, hash));
        _hashing.Dispose();
        _hashing = null;
    }
}
