namespace KvCloud.Client;

/// <summary>One replica, as the node that answered knows it. What is null was not told.</summary>
public sealed record KvNodeStatus
{
    internal KvNodeStatus()
    {
    }

    /// <summary>Number of the replica.</summary>
    public int Id { get; internal init; }

    /// <summary>Where clients reach it, `host:port`.</summary>
    public string Endpoint { get; internal init; } = "";

    /// <summary>`healthy`, `degraded`, `unreachable` or `unknown`.</summary>
    public string Status { get; internal init; } = "";

    /// <summary>Why it is not healthy, for people; null if it is, or is a node of an earlier release.</summary>
    public string? StatusReason { get; internal init; }

    /// <summary>Whether it leads.</summary>
    public bool IsLeader { get; internal init; }

    /// <summary>`leader`, `follower`, `candidate` or `unknown`.</summary>
    public string? Role { get; internal init; }

    /// <summary>Whether it has no vote: it was added, and not promoted yet.</summary>
    public bool IsLearner { get; internal init; }

    /// <summary>When the answering node last heard of it.</summary>
    public DateTimeOffset? LastSeen { get; internal init; }

    /// <summary>How long it has been running, in whole seconds.</summary>
    public TimeSpan? Uptime { get; internal init; }

    /// <summary>The last slot whose commands it has applied.</summary>
    public long? AppliedSlot { get; internal init; }

    /// <summary>The last slot it knows to be chosen.</summary>
    public long? ChosenSlot { get; internal init; }

    /// <summary>Chosen slots it has not applied.</summary>
    public long? LagSlots { get; internal init; }

    /// <summary>The newest commit version it can read.</summary>
    public long? AppliedVersion { get; internal init; }

    /// <summary>Where the other replicas reach it.</summary>
    public string? PeerEndpoint { get; internal init; }

    /// <summary>Where its health and metrics are.</summary>
    public string? HttpEndpoint { get; internal init; }

    /// <summary>Version of the node's program.</summary>
    public string? SoftwareVersion { get; internal init; }

    /// <summary>The oldest version of the protocol between replicas that it speaks.</summary>
    public int? MinWireVersion { get; internal init; }

    /// <summary>The newest version of the protocol between replicas that it speaks.</summary>
    public int? MaxWireVersion { get; internal init; }

    /// <summary>The highest feature level that it can follow.</summary>
    public int? SupportedFeatureLevel { get; internal init; }

    /// <summary>The group's feature level, as of what it has applied.</summary>
    public int? FeatureLevel { get; internal init; }
}
