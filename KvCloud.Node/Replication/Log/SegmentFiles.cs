using System.Globalization;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The files in the log's directory: <c>NUMBER.log</c> for each segment, <c>spare-N.log</c> for files kept for new
/// segments, and <c>lock</c>. Any thread.
/// </summary>
internal sealed class SegmentFiles : IDisposable
{
    /// <summary>Further spares are deleted to free their space.</summary>
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

    /// <summary>Held while a spare is being made.</summary>
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

    /// <summary>Locks the directory, creating it if it is missing.</summary>
    /// <exception cref="IOException">It cannot be used, or is in use.</exception>
    public static SegmentFiles Open(IFileSystem files, string directory, SegmentedLogOptions options)
    {
        files.CreateDirectories(directory);
        return new SegmentFiles(files, directory, options, files.TakeLock(Path.Combine(directory, LockFile)));
    }

    public string PathOf(long number) =>
        Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{number:D10}{Extension}"));

    /// <summary>
    /// Returns the numbers of all segments in ascending order, finds the spares, and deletes unfinished files. What it
    /// found, including the names, is durable when it returns.
    /// </summary>
    /// <param name="newest">The number of a segment known to have existed; 0 if none is known.</param>
    /// <exception cref="LogCorruptException">A segment is missing, or there is a file that this program does not
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

    /// <summary>The path of a file for a new segment: a spare, or one that does not exist yet.</summary>
    public string TakeSpare()
    {
        lock (_gate)
        {
            return _spares.TryDequeue(out string? spare) ? spare : Path.Combine(_directory, "new" + TemporaryExtension);
        }
    }

    /// <summary>Names the segment, whose content is durable, as the newest one.</summary>
    public void Name(LogSegment segment)
    {
        segment.MoveTo(PathOf(segment.Number));
        _files.FlushDirectory(_directory);
    }

    /// <summary>Keeps the file of an unneeded segment as a spare, or deletes it to free its space.</summary>
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
    /// Makes a spare before it is needed. It is filled with zeros, because in a file that only has its size set every
    /// write would still change the inode.
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

    /// <summary>Waits for a spare that is being made; one that was not begun is not made.</summary>
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
            // Without a spare the log appends to a new file. If the disk is full, that write will report it.
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
            // It may occupy the space that the log's own write needs.
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
                throw new LogCorruptException($"{PathOf(numbers[i - 1] + 1)} is missing, but later segments exist");
            }
        }

        if (newest > 0 && (numbers.Count == 0 || numbers[^1] < newest))
        {
            throw new LogCorruptException($"{PathOf(newest)}, the newest segment of the log, is missing");
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
