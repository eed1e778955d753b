using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Backup;

/// <summary>What a read of the log for a backup found.</summary>
/// <param name="Applied">What was applied here at that moment: no version in the block is higher.</param>
/// <param name="FirstAvailable">The first slot that the log has.</param>
/// <param name="Block">Null unless <paramref name="Outcome"/> is ready.</param>
/// <param name="Error">Why the log cannot be read; null if it can.</param>
internal sealed record LogRead(
    BackupOutcome Outcome, AppliedState Applied, Slot FirstAvailable, LogBlock? Block = null, string? Error = null);
