using KvCloud.Node.Files;

namespace KvCloud.Node.Storage;

/// <summary>
/// Reads the table files of a RocksDB store, byte for byte, and compares each with the checksum that the store recorded
/// when it wrote the file.
/// </summary>
/// <remarks>
/// RocksDB's C interface has no verification of files. A cursor over everything would verify data blocks only, and skip
/// what newer versions of a key hide. A file's checksum covers all of it (data, filters, index, footer); reading the
/// file evicts nothing from the block cache, and names the damaged file. A file's pages are dropped from the page cache
/// before it is read, so that the disk is read, and after it, so that the cache keeps other pages.
/// </remarks>
internal sealed class RocksScrub : IStoreScrub
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly Queue<StoreFile> _left;
    private readonly Func<string, bool> _isLive;
    private StoreFile _current;
    private IFile? _open;
    private long _offset;
    private Crc32C _checksum;
    private byte[] _buffer = [];

    /// <param name="isLive">Whether the store still consists of this file.</param>
    public RocksScrub(
        IFileSystem files, string directory, IReadOnlyCollection<StoreFile> found, Func<string, bool> isLive)
    {
        _files = files;
        _directory = directory;
        _isLive = isLive;
        _left = new Queue<StoreFile>(found.Where(file => file.Checksum is not null));
        UncheckedFiles = found.Count - _left.Count;
        SizeBytes = _left.Sum(file => file.SizeBytes);
    }

    public long SizeBytes { get; }

    public int UncheckedFiles { get; }

    public int Advance(int maxBytes)
    {
        while (_open is null)
        {
            if (!_left.TryDequeue(out _current))
            {
                return 0;
            }

            _open = TryOpen(_current);
            _offset = 0;
            _checksum = default;
        }

        if (_buffer.Length < maxBytes)
        {
            _buffer = new byte[maxBytes];
        }

        int read = Read(_open);
        _checksum.Append(_buffer.AsSpan(0, read));
        _offset += read;
        if (read == 0 || _offset >= _current.SizeBytes)
        {
            EndFile();
        }

        return Math.Max(1, read);
    }

    public void Dispose() => _open?.Dispose();

    /// <summary>Null if the store has replaced the file meanwhile, and deleted it.</summary>
    private IFile? TryOpen(StoreFile file)
    {
        string path = Path.Combine(_directory, file.Name);
        try
        {
            IFile opened = _files.Open(path, FileMode.Open, FileAccess.Read);
            opened.DropCached();
            return opened;
        }
        catch (FileNotFoundException) when (!_isLive(file.Name))
        {
            return null;
        }
        catch (FileNotFoundException)
        {
            throw new StoreCorruptException($"{path} is missing", file.Name);
        }
    }

    private int Read(IFile file)
    {
        try
        {
            int count = (int)Math.Min(_buffer.Length, Math.Max(0, _current.SizeBytes - _offset));
            return file.ReadFully(_buffer.AsSpan(0, count), _offset);
        }
        catch (IOException exception) when (exception.IsMediumError())
        {
            throw new StoreCorruptException(
                $"{_current.Name} cannot be read at {_offset}: {exception.Message}", _current.Name);
        }
    }

    private void EndFile()
    {
        _open!.DropCached();
        _open.Dispose();
        _open = null;
        if (_offset < _current.SizeBytes)
        {
            throw new StoreCorruptException(
                $"{_current.Name} has {_offset} bytes, and had {_current.SizeBytes} when it was written",
                _current.Name);
        }

        if (_checksum.Value != _current.Checksum)
        {
            throw new StoreCorruptException(
                $"{_current.Name} has checksum {_checksum.Value:x8}, and had {_current.Checksum:x8} when it was"
                + " written",
                _current.Name);
        }
    }
}
