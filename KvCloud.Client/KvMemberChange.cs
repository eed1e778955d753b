using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>A change of who the replicas are, or of who leads.</summary>
public sealed record KvMemberChange
{
    /// <summary>What is to happen.</summary>
    public required MemberChangeKind Kind { get; init; }

    /// <summary>
    /// Number of the replica it is about; of a transfer who is to lead, null for whom the leader chooses.
    /// </summary>
    public int? NodeId { get; init; }

    /// <summary>Whose place the replica takes.</summary>
    public int? ReplacedNodeId { get; init; }

    /// <summary>Where replicas reach it, `host:port`; of one that is added or moved.</summary>
    public string? PeerEndpoint { get; init; }

    /// <summary>Where clients reach it, `host:port`; null: it tells itself.</summary>
    public string? ClientEndpoint { get; init; }

    /// <summary>
    /// Whom to ask, `host:port`; null for the leader. A rebuild of its data is asked of the replica itself.
    /// </summary>
    public string? Endpoint { get; init; }

    /// <summary>Also where fewer voters stay than a group should have, or one of them does not answer.</summary>
    public bool Force { get; init; }
}
