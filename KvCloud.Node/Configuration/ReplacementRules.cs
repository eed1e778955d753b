using KvCloud.Node.Tls;

namespace KvCloud.Node.Configuration;

/// <summary>What deployment.replacement_ids may be.</summary>
internal static class ReplacementRules
{
    public const int MaxIds = 16;

    private const string Ids = "deployment.replacement_ids";
    private const int MaxId = 8191;

    /// <summary>Among fewer, no majority is left that could tell a lost disk.</summary>
    private const int MinReplicas = 3;

    /// <summary>What does not fit together; the key, what is wrong with it, and what is allowed.</summary>
    public static IEnumerable<(string Path, string What, string Allowed)> Mistakes(NodeOptions options)
    {
        DeploymentOptions deployment = options.Deployment;
        if (deployment.ReplacementIds.Count == 0)
        {
            if (!string.IsNullOrWhiteSpace(deployment.ReplacementTokenFile))
            {
                yield return ("deployment.replacement_token_file", "is set", $"it is of no use without {Ids}");
            }

            yield break;
        }

        if (deployment.Mode == DeploymentMode.Standalone || deployment.Join
            || deployment.ReplicaEndpoints.Count < MinReplicas)
        {
            yield return (
                Ids, "is set",
                "it is for one of the replicas that a group of at least three begins with, not for a standalone node"
                + " nor with deployment.join");
        }

        HashSet<int> seen = [];
        foreach (int id in deployment.ReplacementIds)
        {
            if (id is < 0 or > MaxId)
            {
                yield return (Ids, $"has {id}", $"an id is 0 to {MaxId}");
            }
            else if (id < deployment.ReplicaEndpoints.Count)
            {
                yield return (Ids, $"has {id}", "that is a replica of deployment.replica_endpoints");
            }
            else if (!seen.Add(id))
            {
                yield return (Ids, $"has {id} twice", "an id never returns");
            }
        }

        if (options.Tls.Clients is not (null or TlsMode.Off) && options.Tls.Ca is null)
        {
            yield return ("tls.ca", "is not set", $"with {Ids} this node calls others, and tells them by it");
        }
    }
}
