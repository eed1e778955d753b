namespace KvCloud.Node.Operations;

/// <summary>
/// How long superseded versions stay readable. Logged with every batch, so that all replicas apply the leader's values.
/// </summary>
/// <param name="TimeMs">A version stays readable for at least this long after it was superseded …</param>
/// <param name="Versions">… unless more than this many newer versions were committed meanwhile.</param>
internal readonly record struct MvccRetention(long TimeMs, long Versions)
{
    public static readonly MvccRetention Default = new(60_000, 1_000_000);
}

/// <summary>The header of a batch.</summary>
/// <param name="UnixMs">
/// The wall clock of the leader that proposed the batch; not negative. This is the state machine's only clock, so time
/// is the same on every replica; the retention window limits how far one batch may advance it.
/// </param>
internal readonly record struct BatchHeader(long UnixMs, MvccRetention Retention, int Count);
