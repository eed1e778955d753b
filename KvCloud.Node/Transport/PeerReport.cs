using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// What a replica tells its peers of itself every health_check_interval_ms, beside consensus: what a client sees in
/// getClusterHealth of any node, and the state hash by which replicas notice that they have drifted apart.
/// </summary>
/// <param name="HashedSlot">A slot at which <paramref name="StateHash"/> was taken; Zero for none yet.</param>
internal sealed record PeerReport(
    NodeId From,
    Role Role,
    Ballot Ballot,
    Slot AppliedSlot,
    Slot ChosenSlot,
    long AppliedVersion,
    long UptimeSeconds,
    Slot HashedSlot,
    ulong StateHash);
