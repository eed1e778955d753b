using KvCloud.Node.Routing;

namespace KvCloud.Node.Configuration;

/// <summary>
/// Checks how settings fit together, which no single setting can know. Each error is one sentence with the key, its
/// value, where the value was set, and what is allowed.
/// </summary>
internal sealed class NodeOptionsValidator
{
    private static readonly string[] AsymmetricAlgorithms =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private readonly NodeOptions _options;
    private readonly IReadOnlyDictionary<string, string> _origins;
    private readonly List<string> _mistakes = [];

    private NodeOptionsValidator(NodeOptions options, IReadOnlyDictionary<string, string> origins)
    {
        _options = options;
        _origins = origins;
    }

    /// <param name="origins">Where each value was set, by path; may be empty.</param>
    public static IReadOnlyList<string> Validate(NodeOptions options, IReadOnlyDictionary<string, string> origins)
    {
        NodeOptionsValidator validator = new(options, origins);
        validator.CheckDeployment();
        validator.CheckConsensusEndpoints();
        validator.CheckTimes();
        validator.CheckReads();
        validator.CheckNames();
        validator.CheckSizes();
        validator.CheckJwt();
        foreach ((string path, string what, string allowed) in
            TlsRules.Mistakes(options).Concat(ReplacementRules.Mistakes(options)))
        {
            validator.Mistake(path, what, allowed);
        }

        if (validator._mistakes.Count == 0)
        {
            // The ports are derived from the endpoints, so check them only once the endpoints are valid.
            validator.CheckListeners(NodeTopology.From(options));
        }

        return validator._mistakes;
    }

    private void CheckDeployment()
    {
        DeploymentOptions deployment = _options.Deployment;
        IReadOnlyList<string> endpoints = deployment.ReplicaEndpoints;
        CheckEndpoints("deployment.replica_endpoints", endpoints, allowServiceNames: false);
        if (deployment.Mode == DeploymentMode.Standalone)
        {
            return;
        }

        if (deployment.Join && endpoints.Count < 2)
        {
            Mistake(
                "deployment.replica_endpoints",
                $"has {endpoints.Count} entries",
                "with deployment.join it names this node and at least one member of the group");
        }
        else if (!deployment.Join && endpoints.Count is not (1 or 3 or 5 or 7))
        {
            Mistake(
                "deployment.replica_endpoints",
                $"has {endpoints.Count} entries",
                "a replicated deployment has 1, 3, 5 or 7 replicas");
        }
        else if (!IdsOf(endpoints).Contains(deployment.InstanceId))
        {
            Mistake(
                "deployment.instance_id",
                $"is {deployment.InstanceId}",
                "deployment.replica_endpoints has entries for the nodes"
                + $" {string.Join(", ", IdsOf(endpoints).Order())}");
        }
    }

    private void CheckConsensusEndpoints()
    {
        IReadOnlyList<string> peers = _options.Consensus.Endpoints;
        int replicas = _options.Deployment.ReplicaEndpoints.Count;
        CheckEndpoints("consensus.endpoints", peers, allowServiceNames: true);
        if (peers.Count > 0 && _options.Deployment.Mode == DeploymentMode.Replicated && peers.Count != replicas)
        {
            Mistake(
                "consensus.endpoints",
                $"has {peers.Count} entries",
                $"it must have one for each of the {replicas} deployment.replica_endpoints, or none");
        }
        else if (peers.Count > 0 && _options.Deployment.Mode == DeploymentMode.Replicated
            && !IdsOf(peers).SetEquals(IdsOf(_options.Deployment.ReplicaEndpoints)))
        {
            Mistake(
                "consensus.endpoints",
                $"names the nodes {string.Join(", ", IdsOf(peers).Order())}",
                "it must name those of deployment.replica_endpoints, which are"
                + $" {string.Join(", ", IdsOf(_options.Deployment.ReplicaEndpoints).Order())}");
        }

        if (peers.Count == 0 && _options.Deployment.Mode == DeploymentMode.Replicated)
        {
            foreach (string endpoint in _options.Deployment.ReplicaEndpoints)
            {
                if (HostPort.TryParse(NumberedEndpoint.Of(endpoint, 0).Endpoint, out HostPort? client)
                    && client.Port + NodeTopology.PeerPortOffset > HostPort.MaxPort)
                {
                    Mistake(
                        "deployment.replica_endpoints",
                        $"has \"{endpoint}\"",
                        "the default peer port is 100 higher and would exceed 65535; set consensus.endpoints");
                }
            }
        }
    }

    private void CheckEndpoints(string path, IReadOnlyList<string> endpoints, bool allowServiceNames)
    {
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        HashSet<int> ids = [];
        foreach ((string text, NumberedEndpoint entry) in endpoints.Zip(NumberedEndpoint.AllOf(endpoints)))
        {
            bool isLiteral = HostPort.TryParse(entry.Endpoint, out _);
            if (!isLiteral && !(allowServiceNames && ServiceName.IsValid(entry.Endpoint)))
            {
                Mistake(
                    path,
                    $"has \"{text}\"",
                    allowServiceNames
                        ? "an entry must be host:port, or a service name such as _peer.node-1"
                        : "an entry must be host:port");
            }
            else if (entry.IsNumbered && !_options.Deployment.Join)
            {
                Mistake(
                    path,
                    $"has \"{text}\"",
                    "only with deployment.join does an entry name its id; the replicas that a group begins with are"
                    + " numbered by their place");
            }
            else if (!seen.Add(entry.Endpoint))
            {
                Mistake(path, $"has \"{entry.Endpoint}\" twice", "each replica needs its own endpoint");
            }
            else if (!ids.Add(entry.NodeId))
            {
                Mistake(path, $"names node {entry.NodeId} twice", "each replica has its own id");
            }
        }
    }

    private static HashSet<int> IdsOf(IReadOnlyList<string> endpoints) =>
        [.. NumberedEndpoint.AllOf(endpoints).Select(entry => entry.NodeId)];

    private void CheckTimes()
    {
        ConsensusOptions consensus = _options.Consensus;
        if (consensus.HeartbeatIntervalMs * 3 > consensus.ElectionTimeoutMs)
        {
            Mistake(
                "consensus.heartbeat_interval_ms",
                $"is {consensus.HeartbeatIntervalMs}",
                $"it must be at most a third of consensus.election_timeout_ms, which is {consensus.ElectionTimeoutMs}");
        }

        ClusterOptions cluster = _options.Cluster;
        if (cluster.NodeTimeoutMs < 2 * cluster.HealthCheckIntervalMs)
        {
            Mistake(
                "cluster.node_timeout_ms",
                $"is {cluster.NodeTimeoutMs}",
                "it must be at least twice cluster.health_check_interval_ms, "
                + $"which is {cluster.HealthCheckIntervalMs}");
        }
    }

    private void CheckReads()
    {
        if (!_options.Reads.AllowStaleReads && _options.Reads.ConsistencyLevel == ReadConsistency.Local
            && _origins.ContainsKey("reads.consistency_level"))
        {
            Mistake(
                "reads.consistency_level",
                "is \"local\"",
                "reads.allow_stale_reads is false, so it must be leader or read_index");
        }
    }

    private void CheckNames()
    {
        string id = _options.Cluster.Id;
        if (id.Length is 0 or > 64
            || !id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            Mistake("cluster.id", $"is \"{id}\"", "it must be 1 to 64 letters, digits, dashes, dots or underscores");
        }

        if (string.IsNullOrWhiteSpace(_options.Database.BasePath))
        {
            Mistake("database.base_path", "is empty", "it must name a directory");
        }

        string? address = _options.Listen.Address;
        if (address is not (null or "*" or "localhost") && !System.Net.IPAddress.TryParse(address, out _))
        {
            Mistake("listen.address", $"is \"{address}\"", "it must be an IP address, localhost or *");
        }
    }

    private void CheckJwt()
    {
        JwtSettings jwt = _options.Jwt;
        if (string.IsNullOrEmpty(jwt.Issuer))
        {
            return;
        }

        if (string.IsNullOrEmpty(jwt.Audience))
        {
            Mistake("jwt.audience", "is empty", "with jwt.issuer it must name for whom tokens are made out");
        }

        bool isUrl = Uri.TryCreate(jwt.Keys, UriKind.Absolute, out Uri? keys) && !keys.IsFile;
        if (string.IsNullOrEmpty(jwt.Keys) || (isUrl && keys!.Scheme != Uri.UriSchemeHttps))
        {
            Mistake("jwt.keys", $"is \"{jwt.Keys}\"", "with jwt.issuer it must be a file or an https URL");
        }

        foreach (string algorithm in jwt.Algorithms)
        {
            if (!AsymmetricAlgorithms.Contains(algorithm))
            {
                Mistake(
                    "jwt.algorithms",
                    $"has \"{algorithm}\"",
                    $"only signatures by a private key are taken: {string.Join(", ", AsymmetricAlgorithms)}");
            }
        }
    }

    private void CheckSizes()
    {
        LimitsOptions limits = _options.Limits;
        const string Message = "limits.max_message_bytes";
        AtLeast("limits.max_in_flight_bytes", limits.MaxInFlightBytes, Message, limits.MaxMessageBytes);
        AtLeast(
            "limits.max_in_flight_bytes_per_connection", limits.MaxInFlightBytesPerConnection, Message,
            limits.MaxMessageBytes);
        AtLeast(
            "limits.max_in_flight_bytes_per_caller", limits.MaxInFlightBytesPerCaller, Message,
            limits.MaxInFlightBytesPerCaller == 0 ? 0 : limits.MaxMessageBytes);
        AtLeast("limits.max_queued_write_bytes", limits.MaxQueuedWriteBytes, Message, limits.MaxMessageBytes);
        AtLeast(
            "database.low_space_mb", _options.Database.LowSpaceMb, "database.min_space_mb",
            _options.Database.LowSpaceMb == 0 ? 0 : _options.Database.MinSpaceMb);
        AtLeast("limits.max_timeout_ms", limits.MaxTimeoutMs, "limits.default_timeout_ms", limits.DefaultTimeoutMs);
    }

    private void AtLeast(string path, long value, string otherName, long other)
    {
        if (value < other)
        {
            Mistake(path, $"is {value}", $"it must be at least {otherName}, which is {other}");
        }
    }

    private void CheckListeners(NodeTopology topology)
    {
        (string Path, int Port)[] ports =
        [
            ("listen.thrift_port", topology.ThriftPort),
            ("listen.peer_port", topology.PeerPort),
            ("listen.http_port", topology.HttpPort),
        ];
        for (int index = 0; index < ports.Length; index++)
        {
            (string path, int port) = ports[index];
            if (port > HostPort.MaxPort)
            {
                Mistake(path, $"would be {port}", "it is derived from the Thrift port and exceeds 65535; set it");
            }

            (string Path, int Port) same = ports[..index].FirstOrDefault(other => other.Port == port);
            if (same.Path is not null)
            {
                Mistake(path, $"is {port}", $"{same.Path} uses the same port; each needs its own");
            }
        }
    }

    private void Mistake(string path, string what, string allowed)
    {
        string origin = _origins.TryGetValue(path, out string? written) ? written : "the default";
        _mistakes.Add($"{path} {what} ({origin}); {allowed}.");
    }
}
