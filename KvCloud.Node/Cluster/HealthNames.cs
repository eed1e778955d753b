namespace KvCloud.Node.Cluster;

/// <summary>Names of health and role for clients and metrics.</summary>
internal static class HealthNames
{
    public const string UnknownRole = "unknown";

    public static string Of(NodeHealth health) => health switch
    {
        NodeHealth.Healthy => "healthy",
        NodeHealth.Degraded => "degraded",
        NodeHealth.Unreachable => "unreachable",
        _ => "unknown",
    };

    public static string Of(Consensus.Role role) => role switch
    {
        Consensus.Role.Leader => "leader",
        Consensus.Role.Follower => "follower",
        _ => "candidate",
    };
}
