namespace KvCloud.Backup.Copying;

/// <summary>Pauses between attempts, which double as long as nothing succeeds.</summary>
/// <param name="attempts">So many failures in a row are too many.</param>
internal sealed class Backoff(int attempts)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);

    private int _failures;

    public void Succeeded() => _failures = 0;

    /// <summary>Counts a failure; false if there were too many.</summary>
    public bool TryFail() => ++_failures < attempts;

    public Task PauseAsync(CancellationToken cancellationToken)
    {
        double pauseMs = Math.Min(
            Longest.TotalMilliseconds, Shortest.TotalMilliseconds * Math.Pow(2, Math.Min(_failures - 1, 20)));
        return Task.Delay(TimeSpan.FromMilliseconds(pauseMs), cancellationToken);
    }
}
