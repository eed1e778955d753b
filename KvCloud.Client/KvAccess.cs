namespace KvCloud.Client;

/// <summary>Users and roles of the cluster.</summary>
public sealed record KvAccess
{
    /// <summary>By name.</summary>
    public required IReadOnlyList<KvUser> Users { get; init; }

    /// <summary>With `admin`, which is always there.</summary>
    public required IReadOnlyList<KvRole> Roles { get; init; }
}
