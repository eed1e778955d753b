using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication;

/// <summary>How this replica batches and bounds its writes.</summary>
internal sealed record ReplicationOptions
{
    /// <summary>
    /// Slots that wait to be written to the log, beyond which this node takes no more from its peers or clients: the
    /// data store must not get far ahead of the log.
    /// </summary>
    public const int MaxUnwrittenSlots = 16_384;

    /// <summary>A learner that misses more slots than this has not caught up.</summary>
    public const int MaxPromoteLagSlots = 1024;

    /// <summary>For so long a learner must have been close behind before it gets a vote.</summary>
    public int PromoteAfterMs { get; init; } = 2000;

    /// <summary>Commands in one slot at most.</summary>
    public int MaxBatchCommands { get; init; } = 1024;

    /// <summary>Bytes of commands in one slot at most; one larger command has a slot of its own.</summary>
    public int MaxBatchBytes { get; init; } = 1024 * 1024;

    /// <summary>While fewer slots than this are in flight, batches need not be full.</summary>
    public int EagerInFlightSlots { get; init; } = 2;

    /// <summary>
    /// How long writes wait at most for a batch of the recent size; the consensus worker looks each millisecond.
    /// </summary>
    public TimeSpan BatchingLimit { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How long superseded versions stay readable. The leader's setting travels with each batch.</summary>
    public MvccRetention Retention { get; init; } = MvccRetention.Default;

    /// <summary>Writes waiting to be proposed; one more is answered OVERLOADED.</summary>
    public int MaxQueuedWrites { get; init; } = 65_536;

    /// <summary>Bytes of writes waiting to be proposed; beyond it a write is answered OVERLOADED.</summary>
    public long MaxQueuedWriteBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes chosen and not yet applied, beyond which this node takes no more from its peers or clients.
    /// </summary>
    public long MaxUnappliedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes of entries sent at a time to a replica that is behind, or one larger entry. Less than a frame holds.
    /// </summary>
    public int CatchUpChunkBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Bytes applied since the data store was last made durable, after which it is again, so that the log can be
    /// trimmed.
    /// </summary>
    public long FlushBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Every how many slots replicas compare their state hashes. Not a setting: it must be the same on all of them.
    /// </summary>
    public int HashEverySlots { get; init; } = 256;

    /// <summary>How often log and data store are looked at: marked, flushed, trimmed.</summary>
    public int TrimIntervalMs { get; init; } = 1000;
}
