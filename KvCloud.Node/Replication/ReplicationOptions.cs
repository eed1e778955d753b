using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;

namespace KvCloud.Node.Replication;

/// <summary>How this replica batches and bounds its writes.</summary>
internal sealed record ReplicationOptions
{
    /// <summary>
    /// When this many slots wait to be written to the log, this node accepts no more from its peers or clients: the
    /// data store must not get far ahead of the log.
    /// </summary>
    public const int MaxUnwrittenSlots = 16_384;

    /// <summary>A learner that misses more slots than this has not caught up.</summary>
    public const int MaxPromoteLagSlots = 1024;

    /// <summary>How long a learner must have been close behind before it may be promoted.</summary>
    public int PromoteAfterMs { get; init; } = 2000;

    /// <summary>Maximum commands in one slot.</summary>
    public int MaxBatchCommands { get; init; } = 1024;

    /// <summary>Maximum bytes of commands in one slot; a single larger command gets a slot of its own.</summary>
    public int MaxBatchBytes { get; init; } = 1024 * 1024;

    /// <summary>While fewer slots than this are in flight, batches need not be full.</summary>
    public int EagerInFlightSlots { get; init; } = 2;

    /// <summary>
    /// How long writes wait at most for a batch of the recent size; the consensus worker checks every millisecond.
    /// </summary>
    public TimeSpan BatchingLimit { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How long superseded versions stay readable. The leader's setting travels with each batch.</summary>
    public MvccRetention Retention { get; init; } = MvccRetention.Default;

    /// <summary>Maximum writes waiting to be proposed; further ones are answered OVERLOADED.</summary>
    public int MaxQueuedWrites { get; init; } = 65_536;

    /// <summary>Maximum bytes of writes waiting to be proposed; further ones are answered OVERLOADED.</summary>
    public long MaxQueuedWriteBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes chosen and not yet applied beyond which this node accepts no more from its peers or clients.
    /// </summary>
    public long MaxUnappliedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Bytes of entries that wait for the log's disk, beyond which this node takes no more from its peers or clients.
    /// </summary>
    public long MaxUnwrittenBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// Bytes of slots that wait to be written or applied, beyond which a replica that is behind fetches no more: less
    /// than the limits above, since it may be behind for long, and more would not make it faster.
    /// </summary>
    public long MaxCatchUpBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Bytes of entries sent at a time to a replica that is behind; a single larger entry is sent alone. Must be less
    /// than a frame holds.
    /// </summary>
    public int CatchUpChunkBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// After this many applied bytes the data store is made durable again, so that the log can be trimmed.
    /// </summary>
    public long FlushBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// Idle time after which the data store is flushed, however little was applied since the last flush: an idle
    /// replica that has caught up must not hold back the trimming of its log and the others'.
    /// </summary>
    public int IdleFlushMs { get; init; } = 3000;

    /// <summary>
    /// Bytes of the log that are kept for replicas that are behind. Beyond it the oldest segments are trimmed even if a
    /// replica needs them: it gets a snapshot.
    /// </summary>
    public long LogRetentionBytes { get; init; } = 1024 * 1024 * 1024;

    /// <summary>Serving and fetching of snapshots.</summary>
    public SnapshotOptions Snapshots { get; init; } = new();

    /// <summary>The scrub of log and data.</summary>
    public ScrubOptions Scrub { get; init; } = new();

    /// <summary>The rebuild of damaged data.</summary>
    public RebuildOptions Rebuild { get; init; } = new();

    /// <summary>
    /// Replicas compare their state hashes every this many slots. Not a setting: it must be the same on all of them.
    /// </summary>
    public int HashEverySlots { get; init; } = 256;

    /// <summary>How often the log and the data store are checked: marked, flushed, trimmed.</summary>
    public int TrimIntervalMs { get; init; } = 1000;

    /// <summary>The highest feature level to which this replica lets the group rise.</summary>
    public int AllowedLevel { get; init; } = FeatureLevels.Newest;

    /// <summary>How long every member must have supported the next feature level before the level rises.</summary>
    public int FeatureLevelDelayMs { get; init; } = 60_000;

    /// <summary>A log write that takes longer makes a leader stop leading; 0 for never.</summary>
    public int StallLimitMs { get; init; } = 2000;
}
