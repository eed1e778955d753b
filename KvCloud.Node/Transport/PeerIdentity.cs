namespace KvCloud.Node.Transport;

/// <summary>Who speaks: exchanged in the handshake between replicas and kept in the data directory.</summary>
/// <param name="ClusterId">Same on all replicas of a cluster; others are refused.</param>
/// <param name="NodeId">Instance id.</param>
/// <param name="Incarnation">
/// Drawn at random when the data directory was made. A node id that comes back with another incarnation has lost its
/// promises and is refused, for it could vote twice.
/// </param>
/// <param name="ClientEndpoint">Where clients reach this replica, told to peers so that NOT_LEADER can name it.</param>
/// <param name="HttpEndpoint">Where its health and metrics are; empty if none.</param>
/// <param name="Terms">What it holds to; see there.</param>
internal sealed record PeerIdentity(
    string ClusterId, int NodeId, long Incarnation, string ClientEndpoint, string HttpEndpoint, GroupTerms Terms);
