using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>Progress of a restore.</summary>
/// <param name="Stage">The current stage: <c>checking</c>, <c>copying</c>, <c>applying</c>, <c>making</c>.</param>
/// <param name="Item">The file or directory that was completed last.</param>
internal sealed record RestoreProgress(string Stage, string Item, Slot Slot = default, CommitVersion Version = default);
