namespace KvCloud.Node.Replication.Scrubbing;

/// <summary>Progress of the scrub. Immutable.</summary>
/// <param name="IsUnderWay">Whether a round is under way, which has read <paramref name="DoneBytes"/>.</param>
/// <param name="Rounds">Complete rounds since the start.</param>
/// <param name="LastRoundUnixMs">When the last complete round ended; null before the first.</param>
/// <param name="UncheckedFiles">Data files of the current or last round that have no recorded checksum.</param>
/// <param name="TotalReadBytes">Bytes read since the start.</param>
internal sealed record ScrubProgress(
    bool IsUnderWay,
    long DoneBytes,
    long TotalBytes,
    int Rounds,
    long? LastRoundUnixMs,
    int UncheckedFiles,
    long TotalReadBytes)
{
    public static ScrubProgress None { get; } = new(false, 0, 0, 0, null, 0, 0);
}
