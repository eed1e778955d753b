namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Shows that the consensus loop still turns. The loop beats once each turn; /alive looks how long ago that was. A plain
/// store and load, so that the loop pays nothing for it.
/// </summary>
internal sealed class DriverPulse(TimeProvider time)
{
    private const long Never = long.MinValue;

    private long _lastBeat = Never;

    /// <summary>Called by the loop, at least once a tick.</summary>
    public void Beat() => Volatile.Write(ref _lastBeat, time.GetTimestamp());

    /// <summary>Since the last beat; null before the first, while the node still starts.</summary>
    public TimeSpan? Age => Volatile.Read(ref _lastBeat) is var beat && beat == Never ? null : time.GetElapsedTime(beat);
}
