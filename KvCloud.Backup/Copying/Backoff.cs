namespace KvCloud.Backup.Copying;

/// <summary>Exponential backoff: pauses double from 250 ms to 15 s until an attempt succeeds.</summary>
/// <param name="attempts">The number of failures in a row after which to give up.</param>
internal sealed class Backoff(int attempts)
{
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(15);

    private int _failures;

    public void Succeeded() => _failures = 0;

    /// <summary>Counts a failure. False when it is time to give up.</summary>
    public bool TryFail() => ++_failures < attempts;

    public Task PauseAsync(CancellationToken cancellationToken)
    {
        double pauseMs = Math.Min(
            MaxPause.TotalMilliseconds, MinPause.TotalMilliseconds * Math.Pow(2, Math.Min(_failures - 1, 20)));
        return Task.Delay(TimeSpan.FromMilliseconds(pauseMs), cancellationToken);
    }
}
