using System.Globalization;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The names in the log's directory: <c>NUMBER.log</c> for each segment, <c>spare-N.log</c> for files that may become
/// one, and <c>lock</c>. Any thread.
/// </summary>
internal sealed class SegmentFiles : IDisposable
{
    /// <summary>Spares beyond this give their space back.</summary>
    private const int MaxSpares = 8;

    private const int FillSizeBytes = 16 * 1024;
    private const string LockFile = "lock";
    private const string Extension = ".log";
    private const string SparePrefix = "spare-";
    private const string TemporaryExtension = ".tmp";

    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly SegmentedLogOptions _options;
    private readonly IDisposable _lock;
    private readonly Lock _gate = new();
    private readonly Queue<string> _spares = [];

    /// <summary>Held while a spare is made.</summary>
    private readonly Lock _making = new();
    private long _lastSpare;
    private bool _isPreparing;
    private bool _isClosed;

    private SegmentFiles(IFileSystem files, string directory, SegmentedLogOptions options, IDisposable heldLock)
    {
        _files = files;
        _directory = directory;
        _options = options;
        _lock = heldLock;
    }

    /// <summary>Takes the directory, which is made if it is missing.</summary>
    /// <exception cref="IOException">It cannot be used, or is in use.</exception>
    public static SegmentFiles Open(IFileSystem files, string directory, SegmentedLogOptions options)
    {
        files.CreateDirectories(directory);
        return new SegmentFiles(files, directory, options, files.TakeLock(Path.Combine(directory, LockFile)));
    }

    public string PathOf(long number) =>
        Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{number:D10}{Extension}"));

    /// <summary>
    /// The numbers of all segments in ascending order; notes the spares and removes what was left unfinished. What it
    /// found, the names among it, is durable when it returns.
    /// </summary>
    /// <param name="newest">The number of a segment that there was for certain; 0 if that may be none.</param>
    /// <exception cref="LogCorruptException">One is missing, or something is there that this program does not
    /// write.</exception>
    public List<long> Find(long newest)
    {
        var numbers = new List<long>();
        foreach (string path in _files.ListFiles(_directory))
        {
            string name = Path.GetFileName(path);
            if (name.EndsWith(TemporaryExtension, StringComparison.Ordinal))
            {
                _files.Delete(path);
            }
            else if (NumberIn(name, SparePrefix) is long spare)
            {
                _lastSpare = Math.Max(_lastSpare, spare);
                _spares.Enqueue(path);
            }
            else if (NumberIn(name, "") is long number)
            {
                numbers.Add(number);
            }
            else if (name is not LockFile)
            {
                throw new LogCorruptException($"{path} is not of a format that this program knows");
            }
        }

        numbers.Sort();
        Check(numbers, newest);
        _files.FlushDirectory(_directory);
        return numbers;
    }

    /// <summary>A file to make a segment of: one of former use, or none yet.</summary>
    public string TakeSpare()
    {
        lock (_gate)
        {
            return _spares.TryDequeue(out string? spare) ? spare : Path.Combine(_directory, "new" + TemporaryExtension);
        }
    }

    /// <summary>The segment, whose content is durable, is the newest one from now on.</summary>
    public void Name(LogSegment segment)
    {
        segment.MoveTo(PathOf(segment.Number));
        _files.FlushDirectory(_directory);
    }

    /// <summary>Keeps the file of a segment that nobody needs as a spare, or gives its space back.</summary>
    public void Retire(LogSegment segment)
    {
        bool isKept;
        lock (_gate)
        {
            isKept = _spares.Count < MaxSpares
                && segment.EndBytes > _options.SegmentSizeBytes / 2
                && segment.EndBytes <= _options.SegmentSizeBytes;
        }

        if (isKept)
        {
            string spare = NextSparePath();
            segment.MoveTo(spare);
            _files.FlushDirectory(_directory);
            AddSpare(spare);
        }
        else
        {
            _files.Delete(segment.Path);
            _files.FlushDirectory(_directory);
        }
    }

    /// <summary>
    /// Sees to it that there is a spare before it is needed: a file full of zeros, since one that only has its size
    /// would change its inode with every write all the same.
    /// </summary>
    public void PrepareSpare()
    {
        lock (_gate)
        {
            if (_isClosed || _isPreparing || _spares.Count > 0)
            {
                return;
            }

            _isPreparing = true;
        }

        _options.RunLater(MakeSpareIfOpen);
    }

    /// <summary>Waits for a spare that is being made; one that was not begun will not be.</summary>
    public void Dispose()
    {
        lock (_making)
        {
            _isClosed = true;
            _lock.Dispose();
        }
    }

    private void MakeSpareIfOpen()
    {
        try
        {
            lock (_making)
            {
                if (!_isClosed)
                {
                    MakeSpare();
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without a spare the log appends to a new file. Should the disk be full, its own write will say so.
        }

        lock (_gate)
        {
            _isPreparing = false;
        }
    }

    private void MakeSpare()
    {
        string temporary = Path.Combine(_directory, "spare" + TemporaryExtension);
        try
        {
            using (IFile file = _files.Open(temporary, FileMode.Create, FileAccess.Write))
            {
                byte[] zeros = new byte[FillSizeBytes];
                for (long start = 0; start < _options.SegmentSizeBytes; start += zeros.Length)
                {
                    long left = _options.SegmentSizeBytes - start;
                    file.Write(zeros.AsSpan(0, (int)Math.Min(zeros.Length, left)), start);
                }

                file.SyncData();
            }

            string spare = NextSparePath();
            _files.Move(temporary, spare, replaces: false);
            AddSpare(spare);
        }
        catch
        {
            // It may hold the space that the log's own write needs.
            _files.Delete(temporary);
            throw;
        }
    }

    private string NextSparePath()
    {
        long number = Interlocked.Increment(ref _lastSpare);
        return Path.Combine(
            _directory, string.Create(CultureInfo.InvariantCulture, $"{SparePrefix}{number:D10}{Extension}"));
    }

    private void AddSpare(string path)
    {
        lock (_gate)
        {
            _spares.Enqueue(path);
        }
    }

    private void Check(List<long> numbers, long newest)
    {
        for (int i = 1; i < numbers.Count; i++)
        {
            if (numbers[i] != numbers[i - 1] + 1)
            {
                throw new LogCorruptException($"{PathOf(numbers[i - 1] + 1)} is missing, and later segments are there");
            }
        }

        if (newest > 0 && (numbers.Count == 0 || numbers[^1] < newest))
        {
            throw new LogCorruptException($"{PathOf(newest)} is missing, which was the newest segment of the log");
        }
    }

    private static long? NumberIn(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && name.EndsWith(Extension, StringComparison.Ordinal)
        && long.TryParse(
            name.AsSpan(prefix.Length, name.Length - prefix.Length - Extension.Length), NumberStyles.None,
            CultureInfo.InvariantCulture, out long number)
            ? number
            : null;
}
