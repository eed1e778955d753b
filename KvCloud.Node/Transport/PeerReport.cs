using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// What a replica reports about itself to its peers every health_check_interval_ms, alongside consensus: what any
/// node's getClusterHealth shows to clients, and the state hash by which replicas detect that they have diverged.
/// </summary>
/// <param name="HashedSlot">The slot at which <paramref name="StateHash"/> was taken; Zero for none yet.</param>
internal sealed record PeerReport(
    NodeId From,
    Role Role,
    Ballot Ballot,
    Slot AppliedSlot,
    Slot ChosenSlot,
    long AppliedVersion,
    long UptimeSeconds,
    Slot HashedSlot,
    ulong StateHash)
{
    /// <summary>Whether its data store is sound.</summary>
    public DataState Data { get; init; }

    /// <summary>The slot at which <see cref="StoredHash"/> was taken; Zero for none yet.</summary>
    public Slot StoredSlot { get; init; }

    /// <summary>Of all rows as they are stored, not of what was done to them.</summary>
    public ulong StoredHash { get; init; }

    /// <summary>The group's feature level as of what the sender has applied; 0 where it cannot say.</summary>
    public int FeatureLevel { get; init; }
}
