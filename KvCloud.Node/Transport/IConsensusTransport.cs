using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// Carries messages between replicas: unordered, lossy, never corrupting. Losing a message is always allowed.
/// </summary>
internal interface IConsensusTransport : IAsyncDisposable
{
    /// <summary>
    /// Starts listening and connecting. <paramref name="onReceived"/> is called with one or more messages from one
    /// peer, on transport threads, possibly several at once. It must not block for long, because meanwhile nothing more
    /// is read from that peer. <paramref name="onReport"/> is called in the same way with the reports of peers. Neither
    /// may dispose of the transport.
    /// </summary>
    Task StartAsync(
        Action<IReadOnlyList<Message>> onReceived, Action<PeerReport> onReport, CancellationToken cancellationToken);

    /// <summary>
    /// Queues the messages (never null, never to this node) for their receivers and returns at once. Messages to a peer
    /// that is unreachable, whose queue is full, or that is no member are dropped; heartbeats and votes have a queue of
    /// their own. Any thread may call.
    /// </summary>
    void Send(IReadOnlyList<Message> messages);

    /// <summary>Sends a report to every reachable peer; as lossy as <see cref="Send"/>.</summary>
    void Report(PeerReport report);

    /// <summary>
    /// Sets the members after the newest change known to be chosen. They are the peers from now on, together with the
    /// peers that the change removed until it is settled. Returns at once; any thread may call, one at a time.
    /// </summary>
    /// <param name="isSettled">See <see cref="PaxosNode.AreMembersSettled"/>: who was removed is told so.</param>
    void Reconfigure(GroupMembers members, bool isSettled);

    /// <summary>The state of the link to each peer, by ascending node id.</summary>
    IReadOnlyList<PeerLink> Links { get; }

    /// <summary>
    /// The current state of the link to a peer. Comparing it with a later state tells whether a message sent in between
    /// may have been lost. Any thread may call.
    /// </summary>
    LinkState StateOf(NodeId peer);

    /// <summary>
    /// The peer's identity from its last successful handshake, kept when it disconnects; null if there was none.
    /// </summary>
    PeerIdentity? IdentityOf(NodeId peer);

    /// <summary>
    /// What the node said last of its release: a peer in its handshake, another one when it called and was refused as
    /// no member. Null if it said nothing.
    /// </summary>
    PeerRelease? ReleaseOf(NodeId node);

    /// <summary>From now on peers that cannot follow this feature level are refused. Any thread may call.</summary>
    void RequireFeatureLevel(int level);
}
