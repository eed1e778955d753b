using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>The point up to which the log is applied: at most one of the three, or with none the end.</summary>
/// <param name="Version">Up to this version, even within a slot.</param>
/// <param name="UnixMs">Up to the first batch of writes that was proposed later than this time.</param>
internal sealed record RestorePoint(CommitVersion? Version = null, long? UnixMs = null, Slot? Slot = null)
{
    public static readonly RestorePoint End = new();
}
