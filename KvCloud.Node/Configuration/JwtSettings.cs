namespace KvCloud.Node.Configuration;

internal sealed record JwtSettings
{
    [About("The provider, as its tokens name it (iss). Empty: no such tokens are taken.")]
    public string? Issuer { get; init; }

    [About("For whom the tokens must be made out (aud).")]
    public string? Audience { get; init; }

    [About("The provider's public keys (JWKS): a file, or an https URL. Read again every ten minutes, and when a token "
        + "names a key that is not known.")]
    public string? Keys { get; init; }

    [About("PEM file of the CAs that the server of an https URL in keys is held to, one or several. Not set: those "
        + "that the machine trusts.")]
    public string? KeysCa { get; init; }

    [About("The claim that names the user, in the audit trail.")]
    public string UserClaim { get; init; } = "sub";

    [About("The claim that names the roles of this cluster (kv role add); admin is the one that holds all rights.")]
    public string RolesClaim { get; init; } = "roles";

    [About("Signature algorithms that are taken. Symmetric ones (HS...) and none never are.")]
    [Between(1, 16)]
    public IReadOnlyList<string> Algorithms { get; init; } = ["RS256", "ES256"];

    [About("How far the provider's clock may be from this node's.")]
    [Between(0, 300)]
    public int ClockSkewSeconds { get; init; } = 60;
}
