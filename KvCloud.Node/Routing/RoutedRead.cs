using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Node.Routing;

/// <summary>The conditions under which a read may use a replica's store.</summary>
/// <param name="Level">Null for the configured level.</param>
/// <param name="MaxStalenessMs">Of a LOCAL read; null for the configured limit, 0 for no limit.</param>
/// <param name="AtVersion">Reads at this version, which must be applied; the level is then ignored.</param>
internal readonly record struct ReadRequest(
    ReadConsistency? Level, int? MaxStalenessMs = null, CommitVersion? AtVersion = null);

/// <summary>What a read waits for, which determines how its outcome is reported.</summary>
internal enum ReadWait
{
    /// <summary>A read index.</summary>
    ReadIndex = 0,

    /// <summary>
    /// A read index, within a short time: the replica lost contact with the leader too long ago for a plain local read.
    /// </summary>
    Fresh = 1,

    /// <summary>A read index, after which it is known whether the version was issued.</summary>
    Version = 2,

    /// <summary>The slots that were chosen when the read arrived.</summary>
    Applied = 3,
}

/// <summary>A read that <see cref="RoutingManager"/> makes wait until it may use the store.</summary>
internal abstract class RoutedRead : PendingRead
{
    private RoutingManager? _routing;
    private ReadRequest _request;
    private ReadWait _wait;

    /// <summary>Must be called before the read waits.</summary>
    public void WaitFor(RoutingManager routing, in ReadRequest request, ReadWait wait)
    {
        _routing = routing;
        _request = request;
        _wait = wait;
    }

    protected sealed override void Complete(in ReadOutcome outcome) =>
        Admitted(_routing!.Conclude(_request, _wait, outcome), outcome.Slot);

    /// <summary>Called once, on a worker of the replica: must not block, do I/O, or throw.</summary>
    /// <param name="readIndex">The slot confirmed for the read, if any.</param>
    protected abstract void Admitted(in ReadAdmission admission, Slot readIndex);
}
