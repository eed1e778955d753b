namespace KvCloud.Consensus;

/// <summary>A chosen slot, to be applied in order.</summary>
public readonly record struct ChosenEntry(Slot Slot, Value Value);

/// <summary>
/// Outcome of a read index request of this node. When confirmed, reads that wait for <see cref="Slot"/> to be applied
/// are linearizable. When not, nothing is known: no leader, or the leader could not confirm itself in time.
/// </summary>
public readonly record struct ReadIndexResult(long Id, bool Confirmed, Slot Slot);

/// <summary>
/// The caller reads chosen entries from its log and sends them to <see cref="To"/> as a CatchUpReply: consecutive ones
/// from <see cref="FromSlot"/> on, and only what the log itself has noted as chosen. Before the writes of these and all
/// earlier effects are made, a slot may still hold a value that lost.
/// </summary>
public readonly record struct CatchUpOrder(NodeId To, Slot FromSlot, Slot ToSlot);

/// <summary>
/// The log of every peer that answers begins above what this node has to learn next: only a copy of a peer's data store
/// helps. <see cref="From"/> is one of those peers, whose log begins at <see cref="FirstAvailable"/>.
/// </summary>
public readonly record struct SnapshotNeed(NodeId From, Slot FirstAvailable);

/// <summary>
/// What the core wants done, in the order that safety demands:
/// 1. <see cref="Send"/> may go at once.
/// 2. <see cref="Promised"/>, <see cref="Append"/> and <see cref="ChosenSlot"/> are written to the log in ONE atomic
/// write;    when <see cref="MustSync"/> it is durable (fsync, checked) before step 3. Writes are made in the order of
/// the effects.
/// 3. <see cref="SendAfterPersist"/> goes out only then, and only when every earlier write is durable too, even where
/// these    effects write nothing; a message to this very node is stepped, not sent.
/// 4. <see cref="Chosen"/> may be applied at any time after it was handed out, in order. The data store may get ahead
/// of the    log that way: after a crash, slots that it has already are handed out again, and skipped by the caller.
/// </summary>
public sealed class Effects
{
    public List<Message> Send { get; } = [];

    /// <summary>The new promise of the acceptor, where it changed.</summary>
    public Ballot? Promised { get; internal set; }

    /// <summary>Entries that the acceptor accepted or the learner learned; each replaces what its slot held.</summary>
    public List<LogEntry> Append { get; } = [];

    /// <summary>
    /// All slots up to here are chosen and in the log. Saves work after a restart; need not be synced, as etcd's commit
    /// index.
    /// </summary>
    public Slot? ChosenSlot { get; internal set; }

    public List<Message> SendAfterPersist { get; } = [];

    public List<ChosenEntry> Chosen { get; } = [];

    public List<ReadIndexResult> Reads { get; } = [];

    public List<CatchUpOrder> CatchUps { get; } = [];

    /// <summary>Told again, of another peer in turn, as long as it is so.</summary>
    public SnapshotNeed? Snapshot { get; internal set; }

    /// <summary>Whether the log write of these effects must be durable before <see cref="SendAfterPersist"/>.</summary>
    public bool MustSync => Promised is not null || Append.Count > 0;

    public bool HasLogWrite => MustSync || ChosenSlot is not null;

    public bool IsEmpty =>
        Send.Count == 0 && !HasLogWrite && SendAfterPersist.Count == 0 && Chosen.Count == 0 && Reads.Count == 0
        && CatchUps.Count == 0 && Snapshot is null;
}

/// <summary>What a log hands back at start: the acceptor's memory.</summary>
/// <param name="Promised">The highest ballot promised; Zero for a new log.</param>
/// <param name="ChosenSlot">
/// Every slot up to here is chosen, in the log or trimmed from it, and was applied by the caller before the core
/// starts. Not more than the log knows, even where the data store is ahead of it: the log may hold a value that lost
/// there, or nothing, and the core must neither take that for chosen nor be unable to serve what only the data has
/// (Tencent/phxpaxos#33).
/// </param>
/// <param name="Entries">Accepted entries above ChosenSlot, ordered by slot.</param>
public sealed record RestoredState(Ballot Promised, Slot ChosenSlot, IReadOnlyList<LogEntry> Entries)
{
    public static readonly RestoredState Empty = new(Ballot.Zero, Slot.Zero, []);
}

public enum Role
{
    Follower = 0,
    PreCandidate = 1,
    Candidate = 2,
    Leader = 3,
}

/// <summary>What became of a proposal.</summary>
public enum ProposeStatus
{
    /// <summary>On its way in the slot that was returned.</summary>
    Proposed = 0,

    /// <summary>This node does not lead, or does not yet: nothing was proposed.</summary>
    NotLeader = 1,

    /// <summary>As many slots are in flight as <see cref="PaxosConfig.MaxInFlightSlots"/> allows.</summary>
    WindowFull = 2,
}

public readonly record struct ProposeResult(ProposeStatus Status, Slot Slot, Ballot Ballot);
