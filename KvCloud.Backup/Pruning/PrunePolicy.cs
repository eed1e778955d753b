namespace KvCloud.Backup.Pruning;

/// <summary>What is to be kept: exactly one of the two is given.</summary>
/// <param name="Snapshots">So many of the newest snapshots, and all that follows the oldest of them.</param>
/// <param name="Age">Every moment that is not older; also the last snapshot before that, which they follow.</param>
internal sealed record PrunePolicy(int? Snapshots, TimeSpan? Age)
{
    /// <summary>What nobody refers to is removed when it is older: a backup may be about to refer to it.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(1);
}
