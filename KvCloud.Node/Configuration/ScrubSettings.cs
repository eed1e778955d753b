namespace KvCloud.Node.Configuration;

/// <summary>How damage on disk is found early, and mended.</summary>
internal sealed record ScrubSettings
{
    [About("A replica reads its log and data again no faster than this, to find damage. 0 switches it off, and the "
        + "comparison of stored rows with it.")]
    [Between(0, 1_000_000_000_000)]
    public long MaxBytesPerSecond { get; init; } = 4 * 1024 * 1024;

    [About("Hours from the beginning of one round over all files to that of the next. 0 switches it off.")]
    [Between(0, 8_760)]
    public int IntervalHours { get; init; } = 24;

    [About("automatic: damaged data are made anew from a peer's, while a majority of the others has sound data. "
        + "manual: only when somebody asks for it by kv member rebuild. Damaged data answer nothing in either case.")]
    public RebuildMode Rebuild { get; init; } = RebuildMode.Automatic;
}

internal enum RebuildMode
{
    Automatic = 0,
    Manual = 1,
}
