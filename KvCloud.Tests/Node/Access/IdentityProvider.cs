using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KvCloud.Tests.Node.Access;

/// <summary>Signs tokens and publishes keys as an OIDC provider does.</summary>
internal static class IdentityProvider
{
    /// <param name="credentials">Null: the token is not signed.</param>
    public static string TokenOf(
        SigningCredentials? credentials, DateTimeOffset now, string issuer, string audience, string user) =>
        new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            NotBefore = now.UtcDateTime,
            IssuedAt = now.UtcDateTime,
            Expires = now.UtcDateTime.AddMinutes(5),
            SigningCredentials = credentials,
            Claims = new Dictionary<string, object>
            {
                ["sub"] = user,
                ["roles"] = new[] { "readers", "writers" },
            },
        });

    public static string JwksOf(RSA key, string id)
    {
        JsonWebKey jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(
            new RsaSecurityKey(key.ExportParameters(includePrivateParameters: false)) { KeyId = id });
        return $$"""{"keys":[{"kty":"RSA","kid":"{{id}}","use":"sig","n":"{{jwk.N}}","e":"{{jwk.E}}"}]}""";
    }
}
