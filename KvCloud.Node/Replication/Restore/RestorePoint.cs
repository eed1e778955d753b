using KvCloud.Consensus;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Restore;

/// <summary>Up to where the log is applied. At most one of them is given; without one, all of it is.</summary>
/// <param name="Version">Up to this version, even if that lies within a slot.</param>
/// <param name="UnixMs">Up to the first batch of writes that was proposed later.</param>
internal sealed record RestorePoint(CommitVersion? Version = null, long? UnixMs = null, Slot? Slot = null)
{
    public static readonly RestorePoint End = new();
}
