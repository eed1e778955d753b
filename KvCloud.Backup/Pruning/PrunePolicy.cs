namespace KvCloud.Backup.Pruning;

/// <summary>What a prune keeps. Exactly one of the two is set.</summary>
/// <param name="Snapshots">The number of newest snapshots to keep, with the log after the oldest of them.</param>
/// <param name="Age">Every point up to this age stays restorable, which keeps the last snapshot before it too.</param>
internal sealed record PrunePolicy(int? Snapshots, TimeSpan? Age)
{
    /// <summary>
    /// Unreferenced files stay for this long: a backup that was interrupted may resume and reference them.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(1);
}
