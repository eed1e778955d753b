using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Backup;

/// <summary>The result of a backup's read of the log.</summary>
/// <param name="Applied">The applied state before the read: its version bounds those in the block.</param>
/// <param name="FirstAvailable">The first slot that the log still has.</param>
/// <param name="Block">Null unless <paramref name="Outcome"/> is ready.</param>
/// <param name="Error">Why the log cannot be read; null if it can.</param>
internal sealed record LogRead(
    BackupOutcome Outcome, AppliedState Applied, Slot FirstAvailable, LogBlock? Block = null, string? Error = null);
