using KvCloud.Node.Replication;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Routing;

/// <summary>Decides by kind of operation, consistency level and role of this node where a call runs.</summary>
internal sealed class RoutingManager
{
    /// <summary>Sends a write on its way. The answer, refusals included, comes by <see cref="PendingWrite.Complete"/>.</summary>
    public void Write(PendingWrite write) => throw new NotSupportedException();

    /// <summary>
    /// Completes when a read at this level may look into the local store; at once for LOCAL, and for LEADER inside the
    /// lease. Null arguments mean what is configured.
    /// </summary>
    public ValueTask<ReadAdmission> AdmitReadAsync(
        ReadConsistency? level, int? maxStalenessMs, long deadlineTickMs, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>
    /// Completes when this replica has applied <paramref name="version"/>; VERSION_IN_FUTURE when nobody has issued it.
    /// </summary>
    public ValueTask<ReadAdmission> AdmitReadAtAsync(
        CommitVersion version, long deadlineTickMs, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>The newest committed version that a later read anywhere must see (linearizable).</summary>
    public ValueTask<(ReadAdmission Admission, CommitVersion Version)> GetReadVersionAsync(
        long deadlineTickMs, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
