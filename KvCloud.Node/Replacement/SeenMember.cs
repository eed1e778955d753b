namespace KvCloud.Node.Replacement;

/// <summary>A member of the group as its leader sees it.</summary>
/// <param name="IsHeard">Whether it has reported to the leader of late.</param>
/// <param name="PeerEndpoint">Where the other replicas reach it.</param>
internal sealed record SeenMember(int Id, bool IsVoter, bool IsHeard, string PeerEndpoint = "");
