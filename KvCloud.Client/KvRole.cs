namespace KvCloud.Client;

/// <summary>Rights under a name, which users hold.</summary>
public sealed record KvRole
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>What its users may do.</summary>
    public required IReadOnlyList<KvGrant> Grants { get; init; }
}
