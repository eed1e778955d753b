namespace KvCloud.Node.Transport;

/// <summary>The identity of a replica: exchanged in the handshake and kept in the data directory.</summary>
/// <param name="ClusterId">The same on all replicas of a cluster; others are refused.</param>
/// <param name="NodeId">Instance id.</param>
/// <param name="Incarnation">Drawn at random when the data directory was created. A node id that returns with another
/// incarnation has lost its promises and is refused, because it could vote twice.</param>
/// <param name="ClientEndpoint">Where clients reach this replica; peers need it to name the leader in
/// NOT_LEADER.</param>
/// <param name="HttpEndpoint">Where its health and metrics are served; empty if nowhere.</param>
/// <param name="Terms">The settings that must agree within the group; see <see cref="GroupTerms"/>.</param>
internal sealed record PeerIdentity(
    string ClusterId, int NodeId, long Incarnation, string ClientEndpoint, string HttpEndpoint, GroupTerms Terms)
{
    /// <summary>What the replica's program can do; not kept on disk, since the next start may be another one.</summary>
    public PeerRelease Release { get; init; } = PeerRelease.Plain;
}
