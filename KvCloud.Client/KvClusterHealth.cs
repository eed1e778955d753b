namespace KvCloud.Client;

/// <summary>The cluster as one of its nodes sees it.</summary>
/// <param name="Nodes">All replicas, by id.</param>
/// <param name="Leader">The leader; null while there is none.</param>
/// <param name="Status">`healthy`, `degraded` or `unhealthy`.</param>
/// <param name="HealthyNodes">How many replicas are well.</param>
/// <param name="Term">Round of the leader's ballot.</param>
/// <param name="ClusterId">Name of the cluster; null from an older server.</param>
/// <param name="AnsweredBy">Id of the node that answered; null from an older server.</param>
public sealed record KvClusterHealth(
    IReadOnlyList<KvNodeStatus> Nodes,
    KvNodeStatus? Leader,
    string Status,
    int HealthyNodes,
    long Term,
    string? ClusterId,
    int? AnsweredBy);
