namespace KvCloud.Monitoring;

/// <summary>A node's answer at /config.</summary>
public sealed record NodeConfig
{
    public required int NodeId { get; init; }

    public required IReadOnlyList<NodeSetting> Settings { get; init; }
}

/// <summary>A setting in force.</summary>
public sealed record NodeSetting
{
    /// <summary>Table and key, such as consensus.election_timeout_ms.</summary>
    public required string Name { get; init; }

    /// <summary>As TOML writes it; null where it is not set, and of a secret.</summary>
    public string? Value { get; init; }

    public string? Default { get; init; }

    public bool IsSet { get; init; }

    public bool IsDefault { get; init; }

    public bool IsSecret { get; init; }

    /// <summary>Where the value is from.</summary>
    public string? Source { get; init; }

    public string? About { get; init; }

    /// <summary>The value for people.</summary>
    public string Shown => IsSecret ? IsSet ? "set, not shown" : "not set" : Value ?? "not set";
}
