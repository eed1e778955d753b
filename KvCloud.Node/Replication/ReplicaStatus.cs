using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>A replica's view of itself at one moment. Immutable: the driver publishes a new one in each step.</summary>
/// <param name="Leader">The current leader as far as known; null when unknown.</param>
/// <param name="LeaderHeardMs">
/// <see cref="IReplicaClock.NowMs"/> when the leader (or, on the leader, a quorum) was last heard; 0 for never.
/// </param>
internal sealed record ReplicaStatus(
    NodeId Self,
    Role Role,
    Ballot Ballot,
    NodeId? Leader,
    Slot ChosenSlot,
    Slot AppliedSlot,
    long AppliedVersion,
    long LeaderHeardMs,
    Slot HashedSlot,
    ulong StateHash)
{
    /// <summary>The highest ballot promised; this replica accepts nothing below.</summary>
    public Ballot Promised { get; init; } = Ballot.Zero;

    /// <summary>Who governs the slots above <see cref="ChosenSlot"/>.</summary>
    public GroupMembers Members { get; init; } = GroupMembers.None;

    /// <summary>Whether the data store is sound.</summary>
    public DataState Data { get; init; }

    /// <summary>The last slot whose stored rows were hashed, and their hash; Zero for none yet.</summary>
    public (Slot Slot, ulong Hash) Stored { get; init; }

    /// <summary>The group's feature level as of the applied slot.</summary>
    public int FeatureLevel { get; init; } = FeatureLevels.First;

    /// <summary>The part that peers are told.</summary>
    public PeerReport ToReport(long uptimeSeconds) => new(
        Self, Role, Ballot, AppliedSlot, ChosenSlot, AppliedVersion, uptimeSeconds, HashedSlot, StateHash)
    {
        Data = Data,
        StoredSlot = Stored.Slot,
        StoredHash = Stored.Hash,
        FeatureLevel = FeatureLevel,
    };
}
