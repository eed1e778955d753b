
namespace KvCloud.Node.Routing;

/// <summary>Defaults for reads that do not set their own consistency.</summary>
internal sealed record RoutingOptions
{
    public ReadConsistency ConsistencyLevel { get; init; } = ReadConsistency.Local;

    /// <summary>False makes every LOCAL read a READ_INDEX read.</summary>
    public bool AllowStaleReads { get; init; } = true;

    /// <summary>Whether a follower forwards writes to the leader instead of redirecting the client.</summary>
    public bool ForwardWrites { get; init; }

    /// <summary>
    /// How long ago a replica may have lost contact with the leader and still answer LOCAL reads; 0 for any time.
    /// </summary>
    public int MaxStalenessMs { get; init; } = 5000;
}
