namespace KvCloud.Node.Transport;

/// <summary>
/// What a replica's program can do, as it says itself in the handshake: which wire versions it speaks and which feature
/// levels of the group it can follow.
/// </summary>
/// <param name="Program">The program's version, for people; empty where the replica did not say.</param>
/// <param name="MinWire">The oldest wire version that it speaks.</param>
/// <param name="MaxWire">The newest wire version that it speaks.</param>
/// <param name="SupportedLevel">The highest feature level that it can follow.</param>
/// <param name="AllowedLevel">
/// The highest level to which its operator lets the group rise: lower than <paramref name="SupportedLevel"/> while a
/// setting holds the group back.
/// </param>
internal sealed record PeerRelease(string Program, byte MinWire, byte MaxWire, int SupportedLevel, int AllowedLevel)
{
    /// <summary>The level that every replica can follow: that of groups before there were levels.</summary>
    public const int FirstLevel = 1;

    /// <summary>Of a replica that greets in wire version 3, which says nothing of all this.</summary>
    public static PeerRelease Former { get; } = new(
        "", ConsensusCodec.OldestVersion, ConsensusCodec.OldestVersion, FirstLevel, FirstLevel);

    /// <summary>This program's wire versions, and no more features than every replica has.</summary>
    public static PeerRelease Plain { get; } = Former with { MaxWire = ConsensusCodec.Version };

    /// <summary>The newest wire version that both speak; null where there is none.</summary>
    public byte? CommonWire(PeerRelease other)
    {
        byte newest = Math.Min(MaxWire, other.MaxWire);
        return newest >= Math.Max(MinWire, other.MinWire) ? newest : null;
    }

    public string DescribeWire() => DescribeWire(MinWire, MaxWire);

    public static string DescribeWire(int min, int max) =>
        min == max ? $"wire version {min}" : $"wire versions {min} to {max}";
}
