namespace KvCloud.Node.Replacement;

/// <summary>
/// Asks the group until it has what it wants. While the answer is the same it is logged once, and the pauses grow.
/// </summary>
internal abstract class GroupRequest(TimeProvider time, ILogger logger) : BackgroundService
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
