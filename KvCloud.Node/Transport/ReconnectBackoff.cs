namespace KvCloud.Node.Transport;

/// <summary>How an attempt to keep a connection to a peer came out.</summary>
internal enum ConnectOutcome
{
    /// <summary>No connection, or one that ended soon.</summary>
    Failed = 0,

    /// <summary>One of the two does not talk to the other.</summary>
    Refused = 1,

    /// <summary>A connection that was good for long enough.</summary>
    Lasted = 2,
}

/// <summary>
/// The pause before a peer is tried again: none when the connection had been good, else one that grows and is drawn at
/// random so that nodes which start together do not try each other in step.
/// </summary>
internal sealed class ReconnectBackoff(TransportOptions options)
{
    /// <summary>The pause grows up to so many times the longest after a failure.</summary>
    private const int MaxRefusedDelays = 10;

    private const int MaxDoublings = 16;

    private int _failures;

    /// <summary>What an established connection came to that ended after so long.</summary>
    public ConnectOutcome OutcomeOf(long lastedMs) =>
        lastedMs >= options.MaxReconnectDelayMs ? ConnectOutcome.Lasted : ConnectOutcome.Failed;

    /// <summary>Milliseconds to wait after this outcome; 0 for not at all.</summary>
    /// <param name="unit">Drawn at random from [0, 1).</param>
    public double NextPauseMs(ConnectOutcome outcome, double unit)
    {
        _failures = outcome == ConnectOutcome.Lasted ? 0 : _failures + 1;
        return _failures == 0 ? 0 : PauseMs(options, outcome, _failures, unit);
    }

    /// <summary>The pause after so many failures in a row, from half of its ceiling up to the ceiling.</summary>
    public static double PauseMs(TransportOptions options, ConnectOutcome outcome, int failures, double unit)
    {
        // A refusal does not heal by itself: asking often would be of no use. A peer that was started anew connects,
        // and is connected to at once.
        double ceilingMs = outcome == ConnectOutcome.Refused
            ? (double)options.MaxReconnectDelayMs * Math.Min(failures, MaxRefusedDelays)
            : Math.Min(
                options.MaxReconnectDelayMs,
                options.MinReconnectDelayMs * Math.Pow(2, Math.Min(failures - 1, MaxDoublings)));
        return ceilingMs * (0.5 + (unit / 2));
    }
}
