using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvCloud.Monitoring;

/// <summary>The cluster as one node sees it: its answer at /status (docs/observability.md).</summary>
public sealed record NodeStatus
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.Strict,
    };

    public required string ClusterId { get; init; }

    public required int AnsweredBy { get; init; }

    public string? Version { get; init; }

    public int? LeaderId { get; init; }

    /// <summary>The round of the leader's ballot.</summary>
    public long Term { get; init; }

    public required IReadOnlyList<MemberStatus> Nodes { get; init; }

    public IReadOnlyList<LinkStatus> Links { get; init; } = [];

    public SnapshotStatus? Snapshot { get; init; }

    public MemberStatus? Self => Nodes.FirstOrDefault(node => node.NodeId == AnsweredBy);

    /// <exception cref="JsonException">The text is no such answer.</exception>
    public static NodeStatus Parse(string text) => JsonSerializer.Deserialize<NodeStatus>(text, Json)
        ?? throw new JsonException("the answer is null");
}

/// <summary>What the answering node knows of one member, itself included.</summary>
public sealed record MemberStatus
{
    public required int NodeId { get; init; }

    /// <summary>healthy, degraded, unreachable or unknown.</summary>
    public string? Health { get; init; }

    public string? HealthReason { get; init; }

    public string? Role { get; init; }

    public bool IsLeader { get; init; }

    public string? ClientEndpoint { get; init; }

    public string? HttpEndpoint { get; init; }

    public long? UptimeSeconds { get; init; }

    public long AppliedSlot { get; init; }

    public long ChosenSlot { get; init; }

    public long LagSlots { get; init; }

    public long AppliedVersion { get; init; }
}

/// <summary>The connection over which the answering node sends to a peer.</summary>
public sealed record LinkStatus
{
    public required int Peer { get; init; }

    public bool IsConnected { get; init; }

    public string? RefusedReason { get; init; }
}

/// <summary>A snapshot that the answering node is fetching from a peer.</summary>
public sealed record SnapshotStatus
{
    public required int From { get; init; }

    public long DoneBytes { get; init; }

    public long? TotalBytes { get; init; }
}
