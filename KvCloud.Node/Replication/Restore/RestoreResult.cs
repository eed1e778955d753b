using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>What was restored.</summary>
/// <param name="Slot">The last slot that was applied, in whole or up to the version that was wanted.</param>
/// <param name="Version">The version that the backup had there.</param>
/// <param name="UnixMs">The time that its log had reached.</param>
/// <param name="FirstVersion">Every version of the new group is higher.</param>
/// <param name="StateHash">Of the new group.</param>
/// <param name="Keys">Exact where they are few, else an estimate, as in the statistics of a node.</param>
internal sealed record RestoreResult(
    Slot Slot, CommitVersion Version, long UnixMs, CommitVersion FirstVersion, ulong StateHash, long Keys);
