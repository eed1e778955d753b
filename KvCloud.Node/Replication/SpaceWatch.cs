using KvCloud.Node.Files;

namespace KvCloud.Node.Replication;

/// <summary>
/// Watches the free space of the data directory's volume. It also keeps a reserve there, a file that is deleted once
/// space is exhausted, so that what must still be written before a clean stop finds room.
/// </summary>
/// <remarks>
/// A level ends only when a quarter more than its threshold is free, so that it does not change back and forth. Looked
/// at by one worker; the level may be read by any thread.
/// </remarks>
internal sealed class SpaceWatch(IFileSystem files, string directory, SpaceOptions options)
{
    private const string ReserveFile = "reserve";
    private const int PieceBytes = 1024 * 1024;

    /// <summary>Looks that pass after a failed attempt to write the reserve before the next one.</summary>
    private const int LooksBetweenAttempts = 60;

    private readonly string _reservePath = Path.Combine(directory, ReserveFile);
    private volatile SpaceLevel _level;
    private long _freeBytes = long.MaxValue;
    private int _looksToWait;
    private bool? _hasReserve;

    public SpaceLevel Level => _level;

    /// <summary>As of the last look; long.MaxValue before the first.</summary>
    public long FreeBytes => Volatile.Read(ref _freeBytes);

    /// <summary>To be called about once a second by a worker that may use the disk.</summary>
    public void Look()
    {
        if (options.LowBytes == 0)
        {
            return;
        }

        try
        {
            Volatile.Write(ref _freeBytes, files.GetFreeBytes(directory));
            _level = NextLevel(FreeBytes);
            KeepReserve();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The space is unknown for now. If the disk has failed, the next write to it will say so.
            _looksToWait = LooksBetweenAttempts;
        }
    }

    private static long WithMargin(long bytes) => bytes + (bytes / 4);

    private SpaceLevel NextLevel(long free)
    {
        if (free < options.MinBytes || (_level == SpaceLevel.Exhausted && free < WithMargin(options.MinBytes)))
        {
            return SpaceLevel.Exhausted;
        }

        bool isLow = free < options.LowBytes || (_level != SpaceLevel.Ample && free < WithMargin(options.LowBytes));
        return isLow ? SpaceLevel.Low : SpaceLevel.Ample;
    }

    private void KeepReserve()
    {
        _hasReserve ??= HasWholeReserve();
        if (_level == SpaceLevel.Exhausted && _hasReserve.Value)
        {
            files.Delete(_reservePath);
            _hasReserve = false;
        }
        else if (_level == SpaceLevel.Ample && !_hasReserve.Value && _looksToWait-- <= 0
            && FreeBytes >= WithMargin(options.LowBytes) + options.ReserveBytes)
        {
            WriteReserve();
            _hasReserve = true;
        }
    }

    private bool HasWholeReserve()
    {
        if (!files.FileExists(_reservePath))
        {
            return false;
        }

        using IFile file = files.Open(_reservePath, FileMode.Open, FileAccess.Read);
        return file.Length >= options.ReserveBytes;
    }

    /// <summary>Writes the file's content, because a sparse file reserves no space.</summary>
    private void WriteReserve()
    {
        try
        {
            using IFile file = files.Open(_reservePath, FileMode.Create, FileAccess.Write);
            byte[] zeros = new byte[Math.Min(PieceBytes, options.ReserveBytes)];
            for (long offset = 0; offset < options.ReserveBytes; offset += zeros.Length)
            {
                int length = (int)Math.Min(zeros.Length, options.ReserveBytes - offset);
                file.Write(zeros.AsSpan(0, length), offset);
            }
        }
        catch (IOException)
        {
            files.Delete(_reservePath);
            throw;
        }
    }
}
