namespace KvCloud.Node.Access;

/// <summary>Which signed tokens of an identity provider are taken. Immutable.</summary>
internal sealed record JwtOptions
{
    public required string Issuer { get; init; }

    public required string Audience { get; init; }

    /// <summary>A file, or an https URL, with the provider's public keys (JWKS).</summary>
    public required string Keys { get; init; }

    /// <summary>PEM file of the CAs that the URL's server is held to; null for those of the machine.</summary>
    public string? KeysCa { get; init; }

    public string UserClaim { get; init; } = "sub";

    public string RolesClaim { get; init; } = "roles";

    public IReadOnlyList<string> Algorithms { get; init; } = ["RS256", "ES256"];

    public int ClockSkewSeconds { get; init; } = 60;
}
