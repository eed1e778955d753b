namespace KvCloud.Consensus;

/// <summary>A chosen slot, to be applied in order.</summary>
public readonly record struct ChosenEntry(Slot Slot, Value Value);

/// <summary>
/// Outcome of a read index request of this node. When confirmed, reads that wait for <see cref="Slot"/> to be applied
/// are linearizable. When not, nothing is known: no leader, or the leader could not confirm itself in time.
/// </summary>
public readonly record struct ReadIndexResult(long Id, bool Confirmed, Slot Slot);

/// <summary>
/// Tells the caller to read chosen entries from its log and to send them to <see cref="To"/> as a CatchUpReply:
/// consecutive entries from <see cref="FromSlot"/> on, and only those that the log itself has recorded as chosen. Until
/// the writes of these and all earlier effects are done, the log may still hold a value that was not chosen.
/// </summary>
public readonly record struct CatchUpOrder(NodeId To, Slot FromSlot, Slot ToSlot);

/// <summary>
/// The log of every peer that answers begins above what this node has to learn next: only a copy of a peer's data store
/// helps. <see cref="From"/> is one of those peers, whose log begins at <see cref="FirstAvailable"/>.
/// </summary>
public readonly record struct SnapshotNeed(NodeId From, Slot FirstAvailable);

/// <summary>
/// What the core asks its caller to do, in the order that safety requires:
/// 1. <see cref="Send"/> may leave at once.
/// 2. <see cref="Promised"/>, <see cref="Append"/> and <see cref="ChosenSlot"/> are written to the log in ONE atomic
/// write. When <see cref="MustSync"/> is set, it must be durable (fsync, checked) before step 3. Writes are made in the
/// order of the effects.
/// 3. <see cref="SendAfterPersist"/> leaves only after that, and only when every earlier write is durable too, even if
/// these effects write nothing. A message to this node itself is stepped, not sent.
/// 4. <see cref="Chosen"/> may be applied, in order, at any time after it was handed out. The data store may therefore
/// get ahead of the log: after a crash the core hands out slots again that the store already has, and the caller skips
/// them. Only a change of members is not handed out before the log has durably recorded that it is chosen.
/// </summary>
public sealed class Effects
{
    public List<Message> Send { get; } = [];

    /// <summary>The acceptor's new promise, if it changed.</summary>
    public Ballot? Promised { get; internal set; }

    /// <summary>
    /// Entries that the acceptor accepted or the learner learned; each replaces its slot's previous entry.
    /// </summary>
    public List<LogEntry> Append { get; } = [];

    /// <summary>
    /// All slots up to here are chosen and in the log. It only saves work after a restart, so like etcd's commit index
    /// it need not be synced.
    /// </summary>
    public Slot? ChosenSlot { get; internal set; }

    public List<Message> SendAfterPersist { get; } = [];

    public List<ChosenEntry> Chosen { get; } = [];

    public List<ReadIndexResult> Reads { get; } = [];

    public List<CatchUpOrder> CatchUps { get; } = [];

    /// <summary>Set again and again while a snapshot is needed, naming the eligible peers in turn.</summary>
    public SnapshotNeed? Snapshot { get; internal set; }

    /// <summary>Whether somebody waits for <see cref="ChosenSlot"/> to be durable.</summary>
    public bool SyncsChosen { get; internal set; }

    /// <summary>Whether the log write of these effects must be durable before <see cref="SendAfterPersist"/>.</summary>
    public bool MustSync => Promised is not null || Append.Count > 0 || SyncsChosen;

    public bool HasLogWrite => MustSync || ChosenSlot is not null;

    public bool IsEmpty =>
        Send.Count == 0 && !HasLogWrite && SendAfterPersist.Count == 0 && Chosen.Count == 0 && Reads.Count == 0
        && CatchUps.Count == 0 && Snapshot is null;
}

/// <summary>What the log restores at start: the acceptor's state.</summary>
/// <param name="Promised">The highest ballot promised; Zero for a new log.</param>
/// <param name="ChosenSlot">Every slot up to here is chosen, is in the log or has been trimmed from it, and was applied
/// by the caller before the core starts. It must not exceed what the log knows, even if the data store is ahead. For
/// the slots in between, the log may hold nothing or a value that was not chosen: the core must not take that for
/// chosen, and must not claim slots that it cannot serve from the log (Tencent/phxpaxos#33).</param>
/// <param name="Entries">Accepted entries above ChosenSlot, ordered by slot.</param>
/// <param name="Members">
/// The members as the last slot that changed them left them, from the caller's data; null if no slot did and the group
/// still has the members it began with.
/// </param>
public sealed record RestoredState(
    Ballot Promised, Slot ChosenSlot, IReadOnlyList<LogEntry> Entries, GroupMembers? Members = null)
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

/// <summary>The result of a proposal.</summary>
public enum ProposeStatus
{
    /// <summary>Proposed in the slot that was returned.</summary>
    Proposed = 0,

    /// <summary>This node does not lead, or not yet: nothing was proposed.</summary>
    NotLeader = 1,

    /// <summary>
    /// As many slots are in flight as <see cref="PaxosConfig.MaxInFlightSlots"/> allows, or a change of members or a
    /// transfer of leadership must end first.
    /// </summary>
    WindowFull = 2,
}

public readonly record struct ProposeResult(ProposeStatus Status, Slot Slot, Ballot Ballot);
