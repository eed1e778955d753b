namespace KvCloud.Node.Replication.Scrubbing;

/// <summary>How far the scrub has got. Immutable.</summary>
/// <param name="IsUnderWay">A round is going on, which has read <paramref name="DoneBytes"/>.</param>
/// <param name="Rounds">Complete ones since the start.</param>
/// <param name="LastRoundUnixMs">When the last complete round ended; null before the first.</param>
/// <param name="UncheckedFiles">Of the last look at the data: files of which no checksum is known.</param>
/// <param name="TotalReadBytes">Since the start.</param>
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
