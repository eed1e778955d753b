namespace KvCloud.Client;

/// <summary>The cluster as one of its nodes sees it.</summary>
public sealed record KvClusterHealth
{
    internal KvClusterHealth()
    {
    }

    /// <summary>All replicas, by id.</summary>
    public IReadOnlyList<KvNodeStatus> Nodes { get; internal init; } = [];

    /// <summary>The leader; null while there is none.</summary>
    public KvNodeStatus? Leader { get; internal init; }

    /// <summary>`healthy`, `degraded` or `unhealthy`.</summary>
    public string Status { get; internal init; } = "";

    /// <summary>How many replicas are healthy.</summary>
    public int HealthyNodes { get; internal init; }

    /// <summary>Round of the leader's ballot.</summary>
    public long Term { get; internal init; }

    /// <summary>Name of the cluster; null from an older server.</summary>
    public string? ClusterId { get; internal init; }

    /// <summary>Id of the node that answered; null from an older server.</summary>
    public int? AnsweredBy { get; internal init; }

    /// <summary>The group's feature level; null from an older server.</summary>
    public int? FeatureLevel { get; internal init; }
}
