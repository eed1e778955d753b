using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>What has been applied and can be read: published whole after every batch.</summary>
/// <param name="StateHash">Of exactly this slot.</param>
internal sealed record AppliedState(Slot Slot, CommitVersion Version, ulong StateHash);
