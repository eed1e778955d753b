namespace KvCloud.Node.Replication;

/// <summary>The thresholds of free disk space. See <see cref="SpaceLevel"/> for what happens below each.</summary>
internal sealed record SpaceOptions
{
    /// <summary>Never low.</summary>
    public static readonly SpaceOptions Off = new() { LowBytes = 0, MinBytes = 0, ReserveBytes = 0 };

    public long LowBytes { get; init; } = 256L * 1024 * 1024;

    public long MinBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// Size of the reserve file. Less than a quarter of <see cref="MinBytes"/>: giving it up must not end the
    /// emergency for which it was given up.
    /// </summary>
    public long ReserveBytes { get; init; } = 15L * 1024 * 1024;
}

/// <summary>How much room the disk has.</summary>
internal enum SpaceLevel
{
    Ample = 0,

    /// <summary>
    /// Another replica should lead. A leader that nobody relieves refuses writes that add data; deletes still pass.
    /// </summary>
    Low = 1,

    /// <summary>Nothing is accepted or proposed any more. Votes, reads and everything that frees space go on.</summary>
    Exhausted = 2,
}
