using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Node.Routing;

/// <summary>What a read asks for before it may look into a replica's store.</summary>
/// <param name="Level">Null for what is configured.</param>
/// <param name="MaxStalenessMs">Of a LOCAL read; null for what is configured, 0 for any.</param>
/// <param name="AtVersion">Reads at this version, which must be applied; the level does not matter then.</param>
internal readonly record struct ReadRequest(
    ReadConsistency? Level, int? MaxStalenessMs = null, CommitVersion? AtVersion = null);

/// <summary>What a read has to wait for, and so how its outcome is told.</summary>
internal enum ReadWait
{
    /// <summary>A read index.</summary>
    ReadIndex = 0,

    /// <summary>
    /// A read index, in a time that is short: the replica was out of touch for too long to read without.
    /// </summary>
    Fresh = 1,

    /// <summary>A read index, which shows whether the version was issued.</summary>
    Version = 2,

    /// <summary>The slots that were chosen when it came.</summary>
    Applied = 3,
}

/// <summary>A read that <see cref="RoutingManager"/> lets wait until it may look into the store.</summary>
internal abstract class RoutedRead : PendingRead
{
    private RoutingManager? _routing;
    private ReadRequest _request;
    private ReadWait _wait;

    /// <summary>Said before it waits.</summary>
    public void WaitFor(RoutingManager routing, in ReadRequest request, ReadWait wait)
    {
        _routing = routing;
        _request = request;
        _wait = wait;
    }

    protected sealed override void Complete(in ReadOutcome outcome) =>
        Admitted(_routing!.Conclude(_request, _wait, outcome), outcome.Slot);

    /// <summary>Called once, from a worker of the replica: it must not block, do input or output, or throw.</summary>
    /// <param name="readIndex">The slot that was confirmed for it, if any.</param>
    protected abstract void Admitted(in ReadAdmission admission, Slot readIndex);
}
