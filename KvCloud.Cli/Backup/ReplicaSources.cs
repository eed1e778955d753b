using KvCloud.Backup.Source;
using KvCloud.Client;

namespace KvCloud.Cli.Backup;

/// <summary>In which order the replicas are asked for a backup.</summary>
internal static class ReplicaSources
{
    /// <param name="health">Who the replicas are.</param>
    /// <param name="from">The one that the operator named, host:port.</param>
    /// <param name="lastNodeId">Who gave the last snapshot: most of its files are in the archive.</param>
    /// <returns>Endpoints, at least one. The leader has enough to do, and comes last.</returns>
    public static IReadOnlyList<string> Order(KvClusterHealth health, string? from, int? lastNodeId)
    {
        IEnumerable<string> known = health.Nodes
            .Where(node => node.Endpoint.Length > 0)
            .OrderByDescending(node => node.Id == lastNodeId)
            .ThenBy(node => node.Status == "unreachable")
            .ThenBy(node => node.IsLeader)
            .ThenBy(node => node.LagSlots ?? 0)
            .Select(node => node.Endpoint);
        return [.. (from is null ? known : known.Prepend(from)).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    public static IReadOnlyList<IReplicaSource> Open(KvCloudClient client, IEnumerable<string> endpoints) =>
        [.. endpoints.Select(endpoint => new ReplicaSource(client.BackupFrom(endpoint)))];
}
