using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>Decides which peers this node talks to. Each side of a connection asks its own gate.</summary>
internal sealed class PeerGate(
    PeerIdentity self, IReadOnlyCollection<int> peers, IIncarnationRegistry incarnations, Bootstrap bootstrap)
{
    /// <summary>Callers that are no members, whose releases are remembered until they are.</summary>
    private const int MaxStrangers = 64;

    private volatile IReadOnlyCollection<int> _peers = peers;
    private volatile GroupMembers _members = GroupMembers.None;
    private volatile bool _isSettled;
    private volatile int _requiredLevel = PeerRelease.FirstLevel;
    private volatile IReadOnlyDictionary<int, PeerRelease> _strangers = new Dictionary<int, PeerRelease>();

    public PeerIdentity Self { get; } = self;

    /// <summary>
    /// Told whenever a peer refuses this node for a reason that it acts on. Any thread; it must not block.
    /// </summary>
    public Action<int, PeerRefusal>? OnRefused { get; set; }

    /// <summary>The members as the last change made them; none before the first.</summary>
    public GroupMembers Members => _members;

    /// <summary>From now on these are the peers, and the record says of some which incarnation they have.</summary>
    public void Reconfigure(IReadOnlyCollection<int> newPeers, GroupMembers members, bool isSettled)
    {
        _isSettled = false;
        _peers = newPeers;
        _members = members;
        _isSettled = isSettled;
    }

    /// <summary>The group's feature level: who cannot follow it is refused.</summary>
    public void RequireFeatureLevel(int level) => _requiredLevel = level;

    /// <summary>What a caller that was refused as no member said of its release; null if none called.</summary>
    public PeerRelease? ReleaseOfStranger(int nodeId) => _strangers.GetValueOrDefault(nodeId);

    /// <summary>The peer has refused this node.</summary>
    public void RefusedBy(int peer, string reason)
    {
        PeerRefusal refusal = RefusalTexts.MeaningOf(reason, Self, peer);
        if (refusal != PeerRefusal.Other)
        {
            OnRefused?.Invoke(peer, refusal);
        }
    }

    /// <summary>
    /// Throws <see cref="HandshakeRefusedException"/> unless the caller is a peer that means to call this node.
    /// </summary>
    public void AdmitCaller(Hello hello)
    {
        RequireCluster(hello.Identity);
        if (hello.Expected != Self.NodeId)
        {
            throw new HandshakeRefusedException(
                RefusalTexts.OtherNode(hello.Identity.NodeId, hello.Expected, Self.NodeId));
        }

        RequirePeer(hello.Identity);
    }

    /// <summary>
    /// Throws <see cref="HandshakeRefusedException"/> unless the answerer is the peer that was called. An admitted peer
    /// has welcomed this node, and it recorded this node's incarnation before it did.
    /// </summary>
    public void AdmitAnswerer(PeerIdentity answerer, int expected)
    {
        RequireCluster(answerer);
        if (answerer.NodeId != expected)
        {
            throw new HandshakeRefusedException(
                $"node {answerer.NodeId} answers at the endpoint of node {expected}");
        }

        RequirePeer(answerer);
        NoteWelcome(answerer);
    }

    private void RequireCluster(PeerIdentity other)
    {
        if (other.ClusterId != Self.ClusterId)
        {
            throw new HandshakeRefusedException(
                $"node {other.NodeId} is of cluster '{other.ClusterId}', node {Self.NodeId} of '{Self.ClusterId}'");
        }
    }

    private void RequirePeer(PeerIdentity other)
    {
        if (other.NodeId == Self.NodeId)
        {
            throw new HandshakeRefusedException($"there is a node {Self.NodeId} already: two nodes have the same id");
        }

        if (_isSettled && _members.Removed.Contains(new NodeId(other.NodeId)))
        {
            throw new HandshakeRefusedException(RefusalTexts.Removed(other.NodeId));
        }

        if (!_peers.Contains(other.NodeId))
        {
            NoteStranger(other);
            throw new HandshakeRefusedException(
                $"node {Self.NodeId} does not know node {other.NodeId}: it is no member of its group");
        }

        RequireTerms(other);
        if (other.Release.SupportedLevel < _requiredLevel)
        {
            throw new HandshakeRefusedException(
                $"node {other.NodeId} can follow feature level {other.Release.SupportedLevel}, and its group is at"
                + $" {_requiredLevel}: it must run the release that the other members run");
        }

        long recorded = MemberData.Of(_members, other.NodeId).Incarnation;
        if (recorded != 0 && recorded != other.Incarnation)
        {
            throw new HandshakeRefusedException(RefusalTexts.VoterDirectoryLost(other, recorded));
        }

        // Checked last, so that only a node that is a peer in every other respect is ever remembered.
        if (!Remember(other))
        {
            throw new HandshakeRefusedException(RefusalTexts.DirectoryLost(other, Self.NodeId));
        }
    }

    /// <summary>Of two that come at the same moment one may be forgotten: it calls again.</summary>
    private void NoteStranger(PeerIdentity other)
    {
        IReadOnlyDictionary<int, PeerRelease> known = _strangers;
        if (known.GetValueOrDefault(other.NodeId) != other.Release)
        {
            _strangers = new Dictionary<int, PeerRelease>(known.Count < MaxStrangers ? known : [])
            {
                [other.NodeId] = other.Release,
            };
        }
    }

    private void RequireTerms(PeerIdentity other)
    {
        if (other.Terms.Voters != Self.Terms.Voters && other.Terms.Voters.Length > 0 && Self.Terms.Voters.Length > 0)
        {
            throw new HandshakeRefusedException(
                $"node {other.NodeId} began with the voters {other.Terms.Voters}, node {Self.NodeId} with"
                + $" {Self.Terms.Voters}: quorums of different voters need not meet, so all replicas must be"
                + " configured with the same");
        }

        if (!Self.Terms.IsLeaseSafeWith(other.Terms))
        {
            throw new HandshakeRefusedException(
                $"node {other.NodeId} has {other.Terms.DescribeTimes()}, node {Self.NodeId} has"
                + $" {Self.Terms.DescribeTimes()}:"
                + " a leader's lease rests on them, so [consensus] election_timeout_ms, lease_enabled and"
                + " max_clock_drift_percent must be the same");
        }
    }

    private void NoteWelcome(PeerIdentity answerer)
    {
        try
        {
            bootstrap.WelcomedBy(answerer.NodeId);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HandshakeRefusedException(
                $"node {Self.NodeId} cannot note that it has met all replicas of its group: {error.Message}",
                isTransient: true);
        }
    }

    private bool Remember(PeerIdentity other)
    {
        try
        {
            return incarnations.TryAdmit(other.NodeId, other.Incarnation);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HandshakeRefusedException(
                $"node {Self.NodeId} cannot remember the incarnation of node {other.NodeId}: {error.Message}",
                isTransient: true);
        }
    }
}
