namespace KvCloud.Node.Operations;

/// <summary>
/// How long superseded versions stay readable. Logged with every batch, so that all replicas use the leader's.
/// </summary>
/// <param name="TimeMs">A version is readable for at least this long after it was superseded …</param>
/// <param name="Versions">… unless more than this many newer versions were committed meanwhile.</param>
internal readonly record struct MvccRetention(long TimeMs, long Versions)
{
    public static readonly MvccRetention Default = new(60_000, 1_000_000);
}

/// <summary>What a batch says of itself.</summary>
/// <param name="UnixMs">
/// The wall clock of the leader that proposed it, not negative. This is the only time the state machine knows, and why
/// it is the same on every replica; the retention window bounds how far one batch may move time.
/// </param>
internal readonly record struct BatchHeader(long UnixMs, MvccRetention Retention, int Count);
