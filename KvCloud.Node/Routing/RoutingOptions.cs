
namespace KvCloud.Node.Routing;

/// <summary>What is configured for reads that do not say themselves.</summary>
internal sealed record RoutingOptions
{
    public ReadConsistency ConsistencyLevel { get; init; } = ReadConsistency.Local;

    /// <summary>False makes every LOCAL read a READ_INDEX read.</summary>
    public bool AllowStaleReads { get; init; } = true;

    /// <summary>A follower passes writes to the leader instead of naming it.</summary>
    public bool ForwardWrites { get; init; }

    /// <summary>How long a replica may be out of touch and still answer LOCAL reads; 0 for any time.</summary>
    public int MaxStalenessMs { get; init; } = 5000;
}
