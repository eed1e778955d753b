using System.Diagnostics;

namespace KvCloud.Backup.Copying;

/// <summary>Limits the rate at which a backup copies. Thread-safe.</summary>
/// <param name="bytesPerSecond">Null for no limit.</param>
internal sealed class ByteRate(long? bytesPerSecond)
{
    private readonly Lock _lock = new();
    private long _freeAt = Stopwatch.GetTimestamp();

    /// <summary>Waits until the bytes may be requested.</summary>
    public Task WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond is not { } rate)
        {
            return Task.CompletedTask;
        }

        TimeSpan pause;
        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            long begin = Math.Max(now, _freeAt);
            _freeAt = begin + (long)(bytes / (double)rate * Stopwatch.Frequency);
            pause = Stopwatch.GetElapsedTime(now, begin);
        }

        return pause > TimeSpan.Zero ? Task.Delay(pause, cancellationToken) : Task.CompletedTask;
    }
}
