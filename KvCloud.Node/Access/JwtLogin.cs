using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KvCloud.Node.Access;

/// <summary>
/// Checks an identity provider's signed tokens: issuer, audience, time, and the signature by one of its public keys,
/// with one of the algorithms that the settings name. The token's claims say who it is and which roles they have.
/// </summary>
internal sealed class JwtLogin(JwtOptions options, JwtKeys keys, TimeProvider time)
{
    private readonly JsonWebTokenHandler _handler = new()
    {
        MapInboundClaims = false,
        MaximumTokenSizeInBytes = AccessLimits.MaxTokenChars,
    };

    /// <summary>Three parts with dots between them.</summary>
    public static bool LooksLikeOne(string token) => token.Count(character => character == '.') == 2;

    /// <summary>Fetches the provider's keys where a token names one that is not known.</summary>
    public async ValueTask<LoginOutcome> ValidateAsync(string token)
    {
        LoginOutcome outcome = await ValidateAsync(token, await keys.GetAsync().ConfigureAwait(false))
            .ConfigureAwait(false);
        return outcome.Principal is null && await keys.TryRenewAsync().ConfigureAwait(false)
            ? await ValidateAsync(token, await keys.GetAsync().ConfigureAwait(false)).ConfigureAwait(false)
            : outcome;
    }

    /// <summary>With the keys that are at hand.</summary>
    public LoginOutcome ValidateAtOnce(string token)
    {
        ValueTask<LoginOutcome> validation = ValidateAsync(token, keys.Known);
        return validation.IsCompletedSuccessfully
            ? validation.GetAwaiter().GetResult()
            : new LoginOutcome(null, "the token cannot be checked at once: log in by authenticate");
    }

    private async ValueTask<LoginOutcome> ValidateAsync(string token, IReadOnlyList<SecurityKey> signingKeys)
    {
        if (signingKeys.Count == 0)
        {
            return new LoginOutcome(null, "the keys of the identity provider are not known to this node");
        }

        TokenValidationResult result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = options.Issuer,
            ValidAudience = options.Audience,
            IssuerSigningKeys = signingKeys,
            ValidAlgorithms = options.Algorithms,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            ClockSkew = TimeSpan.FromSeconds(options.ClockSkewSeconds),
            LifetimeValidator = (notBefore, expires, _, _) => IsWithin(notBefore, expires),
            TryAllIssuerSigningKeys = false,
        }).ConfigureAwait(false);
        if (!result.IsValid)
        {
            // The library's text may hold parts of the token.
            return new LoginOutcome(null, $"the token is refused: {result.Exception?.GetType().Name ?? "not valid"}");
        }

        string user = result.ClaimsIdentity.FindFirst(options.UserClaim)?.Value ?? "";
        string[] roles =
        [
            .. result.ClaimsIdentity.FindAll(options.RolesClaim)
                .Select((Claim claim) => claim.Value)
                .Where(role => role.Length <= AccessLimits.NameBytes)
                .Distinct(StringComparer.Ordinal)
                .Take(AccessLimits.RolesPerUser),
        ];
        long expires = new DateTimeOffset(result.SecurityToken.ValidTo).ToUnixTimeMilliseconds();
        return user.Length is 0 or > 4 * AccessLimits.NameBytes
            ? new LoginOutcome(null, $"the token has no usable claim '{options.UserClaim}'")
            : new LoginOutcome(Principal.ByJwt(user, roles, expires));
    }

    private bool IsWithin(DateTime? notBefore, DateTime? expires)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        var skew = TimeSpan.FromSeconds(options.ClockSkewSeconds);
        return expires is not null && now < expires + skew && (notBefore is null || now > notBefore - skew);
    }
}
