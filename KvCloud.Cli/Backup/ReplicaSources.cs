using KvCloud.Backup.Source;
using KvCloud.Client;

namespace KvCloud.Cli.Backup;

/// <summary>The order in which a backup asks the replicas.</summary>
internal static class ReplicaSources
{
    /// <param name="health">The health of the cluster, which names its replicas.</param>
    /// <param name="from">The replica that the operator named, as host:port; null for none. It comes first.</param>
    /// <param name="lastNodeId">
    /// The source of the last snapshot: the archive already has most of the files of its next one.
    /// </param>
    /// <returns>Endpoints. Unreachable replicas and the leader, whose load matters most, come last.</returns>
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
