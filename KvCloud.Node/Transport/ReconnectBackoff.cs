namespace KvCloud.Node.Transport;

/// <summary>The outcome of an attempt to keep a connection to a peer.</summary>
internal enum ConnectOutcome
{
    /// <summary>No connection, or one that ended soon after.</summary>
    Failed = 0,

    /// <summary>One of the two refuses to talk to the other.</summary>
    Refused = 1,

    /// <summary>A connection that lasted long enough to count as good.</summary>
    Lasted = 2,

    /// <summary>
    /// The peer is to be greeted in another form, at once. That happens once an attempt, so it counts as no failure.
    /// </summary>
    GreetAnew = 3,
}

/// <summary>
/// The pause before the next attempt to connect to a peer: none if the last connection was good, otherwise growing and
/// randomized so that nodes which start together do not retry in step.
/// </summary>
internal sealed class ReconnectBackoff(TransportOptions options)
{
    /// <summary>After a refusal the pause grows up to this many times the longest pause after a failure.</summary>
    private const int MaxRefusedDelays = 10;

    private const int MaxDoublings = 16;

    private int _failures;

    /// <summary>
    /// Whether the next Hello is of the first form, because the peer has just refused the other. Only in the attempt
    /// that follows at once: by a later one the peer may have been upgraded, and would refuse this form.
    /// </summary>
    public bool GreetsInSingleForm { get; private set; }

    /// <summary>The outcome of an established connection that ended after this long.</summary>
    public ConnectOutcome OutcomeOf(long lastedMs) =>
        lastedMs >= options.MaxReconnectDelayMs ? ConnectOutcome.Lasted : ConnectOutcome.Failed;

    /// <summary>Milliseconds to wait after this outcome; 0 for no pause.</summary>
    /// <param name="unit">Drawn at random from [0, 1).</param>
    public double NextPauseMs(ConnectOutcome outcome, double unit)
    {
        GreetsInSingleForm = outcome == ConnectOutcome.GreetAnew;
        if (GreetsInSingleForm)
        {
            return 0;
        }

        _failures = outcome == ConnectOutcome.Lasted ? 0 : _failures + 1;
        return _failures == 0 ? 0 : PauseMs(options, outcome, _failures, unit);
    }

    /// <summary>The pause after this many failures in a row: between half of its ceiling and the ceiling.</summary>
    public static double PauseMs(TransportOptions options, ConnectOutcome outcome, int failures, double unit)
    {
        // A refusal does not go away by itself, so frequent attempts are useless. When the peer is restarted it
        // connects to this node, which then connects to it at once.
        double ceilingMs = outcome == ConnectOutcome.Refused
            ? (double)options.MaxReconnectDelayMs * Math.Min(failures, MaxRefusedDelays)
            : Math.Min(
                options.MaxReconnectDelayMs,
                options.MinReconnectDelayMs * Math.Pow(2, Math.Min(failures - 1, MaxDoublings)));
        return ceilingMs * (0.5 + (unit / 2));
    }
}
