using System.Globalization;
using KvCloud.Node.Transport;
using Microsoft.Win32.SafeHandles;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The names in the log's directory: <c>NUMBER.log</c> for each segment, <c>spare-N.log</c> for files that may become one,
/// and <c>lock</c>. Any thread.
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

    private readonly string _directory;
    private readonly FileStream _lock;
    private readonly Lock _gate = new();
    private readonly Queue<string> _spares = [];
    private long _lastSpare;
    private Task _preparing = Task.CompletedTask;

    private SegmentFiles(string directory, FileStream heldLock)
    {
        _directory = directory;
        _lock = heldLock;
    }

    /// <summary>Takes the directory, which is made if it is missing.</summary>
    /// <exception cref="IOException">It cannot be used, or is in use.</exception>
    public static SegmentFiles Open(string directory)
    {
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory);
            DurableFile.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(directory))!);
        }

        return new SegmentFiles(
            directory,
            new FileStream(Path.Combine(directory, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
    }

    public string PathOf(long number) =>
        Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{number:D10}{Extension}"));

    /// <summary>
    /// The numbers of all segments in ascending order; notes the spares and removes what was left unfinished. What it found, the
    /// names among it, is durable when it returns.
    /// </summary>
    /// <param name="newest">The number of a segment that there was for certain; 0 if that may be none.</param>
    /// <exception cref="LogCorruptException">One is missing, or something is there that this program does not write.</exception>
    public List<long> Find(long newest)
    {
        var numbers = new List<long>();
        foreach (string path in Directory.EnumerateFiles(_directory))
        {
            string name = Path.GetFileName(path);
            if (name.EndsWith(TemporaryExtension, StringComparison.Ordinal))
            {
                File.Delete(path);
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
        DurableFile.FlushDirectory(_directory);
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
        DurableFile.FlushDirectory(_directory);
    }

    /// <summary>Keeps the file of a segment that nobody needs as a spare, or gives its space back.</summary>
    public void Retire(LogSegment segment)
    {
        bool isKept;
        lock (_gate)
        {
            isKept = _spares.Count < MaxSpares && segment.EndBytes is > LogSegment.UsualSizeBytes / 2 and <= LogSegment.UsualSizeBytes;
        }

        if (isKept)
        {
            string spare = NextSparePath();
            segment.MoveTo(spare);
            DurableFile.FlushDirectory(_directory);
            AddSpare(spare);
        }
        else
        {
            File.Delete(segment.Path);
            DurableFile.FlushDirectory(_directory);
        }
    }

    /// <summary>
    /// Sees to it that there is a spare before it is needed: a file full of zeros, since one that only has its size would
    /// change its inode with every write all the same.
    /// </summary>
    public void PrepareSpare()
    {
        lock (_gate)
        {
            if (_spares.Count == 0 && _preparing.IsCompleted)
            {
                _preparing = Task.Run(Prepare);
            }
        }
    }

    public void Dispose()
    {
        Task.WaitAny(_preparing);
        _lock.Dispose();
    }

    private void Prepare()
    {
        string temporary = Path.Combine(_directory, "spare" + TemporaryExtension);
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
            {
                byte[] zeros = new byte[FillSizeBytes];
                for (long start = 0; start < LogSegment.UsualSizeBytes; start += zeros.Length)
                {
                    RandomAccess.Write(file, zeros, start);
                }

                DurableFile.SyncData(file, temporary);
            }

            string spare = NextSparePath();
            File.Move(temporary, spare);
            AddSpare(spare);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without a spare the log appends to a new file. Should the disk be full, its own write will say so.
            File.Delete(temporary);
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
