namespace KvCloud.Consensus;

/// <summary>A message between replicas. Immutable. A node counts its own vote through a message to itself.</summary>
public abstract record Message(NodeId From, NodeId To);

/// <summary>
/// Asks whether the receiver would promise this ballot. Changes nothing at the receiver (pre-vote: Ongaro's thesis,
/// 9.6, applied to Paxos).
/// </summary>
public sealed record PreVote(NodeId From, NodeId To, Ballot Ballot, Slot FirstUnchosen) : Message(From, To);

/// <summary>
/// Answer to <see cref="PreVote"/>. <see cref="Promised"/> lets a refused candidate choose a higher round.
/// </summary>
public sealed record PreVoteReply(NodeId From, NodeId To, Ballot Ballot, bool Granted, Ballot Promised)
    : Message(From, To);

/// <summary>
/// Phase 1a for every slot from <see cref="FirstUnchosen"/> on. <see cref="TransferOf"/> is the ballot of the leader
/// that asked the candidate to take over, and so gave up its lease; of round 0 if none did.
/// </summary>
public sealed record Prepare(NodeId From, NodeId To, Ballot Ballot, Slot FirstUnchosen, Ballot TransferOf = default)
    : Message(From, To);

/// <summary>
/// Phase 1b, sent only once the promise is durable. <see cref="Entries"/> holds what the acceptor has accepted above
/// max(<see cref="Prepare.FirstUnchosen"/> - 1, <see cref="ChosenSlot"/>); every slot up to <see cref="ChosenSlot"/> is
/// chosen and can be caught up with from the sender. <see cref="MembersSlot"/> is the last slot up to there that
/// changed the members.
/// </summary>
public sealed record Promise(
    NodeId From, NodeId To, Ballot Ballot, Slot ChosenSlot, IReadOnlyList<LogEntry> Entries, Slot MembersSlot = default)
    : Message(From, To);

/// <summary>
/// Phase 2a for one or more slots, consecutive or scattered, at one ballot. <see cref="ChosenSlot"/> lets followers
/// take slots as chosen, but only those they accepted at this same ballot.
/// </summary>
public sealed record Accept(
    NodeId From, NodeId To, Ballot Ballot, Slot ChosenSlot, IReadOnlyList<LogEntry> Entries) : Message(From, To);

/// <summary>Phase 2b, sent only once the entries are durable. Counts only for this ballot and these slots.</summary>
public sealed record Accepted(NodeId From, NodeId To, Ballot Ballot, IReadOnlyList<Slot> Slots) : Message(From, To);

/// <summary>The ballot is too low; <see cref="Promised"/> is the ballot that the acceptor has promised.</summary>
public sealed record Refused(NodeId From, NodeId To, Ballot Ballot, Ballot Promised) : Message(From, To);

/// <summary>
/// The leader is alive. <see cref="Round"/> numbers the confirmation rounds of this ballot: an answer renews the lease,
/// counted from when the heartbeat was sent, and confirms every read that was waiting when the round began. Every
/// member has all slots up to <see cref="TrimSlot"/> durably in its data store, so no log needs them any more. Changes
/// of members up to <see cref="SettledSlot"/> are settled: a quorum of the new members durably knows them.
/// </summary>
public sealed record Heartbeat(
    NodeId From, NodeId To, Ballot Ballot, long Round, Slot ChosenSlot, Slot TrimSlot, Slot SettledSlot = default)
    : Message(From, To);

/// <summary>
/// Answer to <see cref="Heartbeat"/>, given only by a node that has promised no higher ballot. A change of members
/// that lies below <see cref="ChosenSlot"/> is durably known to be chosen.
/// </summary>
public sealed record HeartbeatReply(
    NodeId From, NodeId To, Ballot Ballot, long Round, Slot ChosenSlot, Slot DurableSlot) : Message(From, To);

/// <summary>
/// A follower asks the leader for a read index. <see cref="Id"/> is the follower's own number for a batch of reads.
/// </summary>
public sealed record ReadIndexRequest(NodeId From, NodeId To, long Id) : Message(From, To);

/// <summary>
/// Answer to <see cref="ReadIndexRequest"/>: reads that wait until <see cref="Slot"/> is applied are linearizable. When
/// it is not confirmed, the receiver of the request does not lead or cannot prove that it does: ask again.
/// </summary>
public sealed record ReadIndexReply(NodeId From, NodeId To, long Id, bool Confirmed, Slot Slot) : Message(From, To);

/// <summary>Asks for chosen entries from <see cref="FromSlot"/> on.</summary>
public sealed record CatchUpRequest(NodeId From, NodeId To, Slot FromSlot) : Message(From, To);

/// <summary>
/// Consecutive chosen entries. If there are none and <see cref="FirstAvailable"/> is above the slot asked for, the
/// sender has trimmed its log below <see cref="FirstAvailable"/>, and the requester must find another node that has
/// those slots.
/// </summary>
public sealed record CatchUpReply(
    NodeId From, NodeId To, Slot FirstAvailable, Slot ChosenSlot, IReadOnlyList<LogEntry> Entries) : Message(From, To);

/// <summary>
/// The leader of the ballot has stopped and holds no lease any more: stand for election at once, without pre-votes.
/// </summary>
public sealed record TimeoutNow(NodeId From, NodeId To, Ballot Ballot) : Message(From, To);

/// <summary>
/// Sent by a node to itself only, never on the wire: its log has durably recorded that everything up to the slot is
/// chosen.
/// </summary>
internal sealed record ChosenIsSynced(NodeId Self, Slot ChosenSlot) : Message(Self, Self);
