using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>How far a restore has got.</summary>
/// <param name="Stage">What is being done: <c>checking</c>, <c>copying</c>, <c>applying</c>, <c>making</c>.</param>
/// <param name="Item">The file or directory that is done.</param>
internal sealed record RestoreProgress(string Stage, string Item, Slot Slot = default, CommitVersion Version = default);
