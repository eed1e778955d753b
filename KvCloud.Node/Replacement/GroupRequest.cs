using KvCloud.Node.Storage;

namespace KvCloud.Node.Replacement;

/// <summary>
/// Asks the group until it has what it wants. While the answer is the same it is logged once, and the pauses grow.
/// </summary>
/// <param name="restart">Ends this host; the next one finds its id in the directory.</param>
internal abstract class GroupRequest(DataDirectory directory, Action restart, TimeProvider time, ILogger logger)
    : BackgroundService
{
    private static readonly TimeSpan MinPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(15);

    private volatile string? _description;

    /// <summary>What is going on, for /health; null if nothing is.</summary>
    public string? Description => _description;

    /// <summary>What is going on, whatever it waits for; null if there is no trouble as far as is known.</summary>
    protected abstract string? Situation { get; }

    /// <summary>Whether there is, or may be, anything to ask for in this start.</summary>
    protected abstract bool IsWanted { get; }

    /// <summary>
    /// One attempt, in that situation. False once all is done, or nothing more is to be asked for.
    /// </summary>
    /// <exception cref="GroupCallException">Not yet, and why.</exception>
    protected abstract Task<bool> GoOnAsync(CancellationToken stoppingToken);

    protected static GroupCallException StillHeard(int? replaced) => new(
        $"the leader has heard replica {replaced} of late: it is too soon, or another process has its place");

    /// <summary>This replica is another one from the next start on, which follows at once.</summary>
    protected void TakeId(int lost, int id)
    {
        try
        {
            directory.BecomeNode(id);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GroupCallException($"the new id {id} cannot be noted: {error.Message}", error);
        }

        logger.TookId(lost, id);
        restart();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            TimeSpan pause = MinPause;
            while (IsWanted)
            {
                string? before = _description;
                if (Situation is string situation)
                {
                    Say(_description ?? situation);
                    if (!await TryAsync(situation, stoppingToken))
                    {
                        break;
                    }
                }

                pause = before is null || _description != before
                    ? MinPause
                    : TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, MaxPause.Ticks));
                await Task.Delay(pause, time, stoppingToken);
            }

            _description = null;
        }
        catch (OperationCanceledException)
        {
            // The node stops: the next start goes on.
        }
    }

    private async Task<bool> TryAsync(string situation, CancellationToken stoppingToken)
    {
        try
        {
            bool goesOn = await GoOnAsync(stoppingToken);
            Say(situation);
            return goesOn;
        }
        catch (GroupCallException refusal)
        {
            Say($"{situation}; {refusal.Message}");
            return true;
        }
    }

    private void Say(string description)
    {
        if (_description != description)
        {
            _description = description;
            logger.ReplacementGoesOn(description);
        }
    }
}
