using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>The result of a restore.</summary>
/// <param name="Slot">The last slot that was applied, completely or up to the requested version.</param>
/// <param name="Version">The last commit version up to there, in the numbering of the old group.</param>
/// <param name="UnixMs">The time at which the last restored write was proposed.</param>
/// <param name="FirstVersion">Every version of the new group is higher.</param>
/// <param name="StateHash">The state hash of the new group.</param>
/// <param name="Keys">The number of keys: exact if small, otherwise an estimate, as in a node's statistics.</param>
internal sealed record RestoreResult(
    Slot Slot, CommitVersion Version, long UnixMs, CommitVersion FirstVersion, ulong StateHash, long Keys);
