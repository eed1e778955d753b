namespace KvCloud.Client;

/// <summary>A user of the cluster, as far as it tells.</summary>
public sealed record KvUser
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether there is a password.</summary>
    public required bool HasPassword { get; init; }

    /// <summary>The tokens, by name, and when they end; null for never.</summary>
    public required IReadOnlyDictionary<string, DateTimeOffset?> Tokens { get; init; }

    /// <summary>The roles of the user.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>What the user may do besides what the roles allow.</summary>
    public required IReadOnlyList<KvGrant> Grants { get; init; }
}
