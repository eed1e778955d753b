namespace KvCloud.Node.Access;

/// <summary>
/// Who makes a call. Immutable but for the rights, which are compiled anew when users or roles have changed.
/// </summary>
internal sealed class Principal
{
    /// <summary>Nobody has logged in.</summary>
    public static readonly Principal Anonymous = new("", LoginMethod.None);

    private volatile Compiled? _compiled;

    private Principal(string name, LoginMethod method)
    {
        Name = name;
        Method = method;
    }

    /// <summary>Empty of the anonymous one.</summary>
    public string Name { get; }

    public LoginMethod Method { get; }

    public bool IsAnonymous => Method == LoginMethod.None;

    /// <summary>When the login ends, in milliseconds since the Unix epoch; 0 for never.</summary>
    public long ExpiresUnixMs { get; private init; }

    /// <summary>What commands carry of this principal; empty of the anonymous one.</summary>
    public ReadOnlyMemory<byte> Encoded { get; private init; }

    /// <summary>Only of an identity provider's token, which names the roles; else they are those of the user.</summary>
    public IReadOnlyList<string> ClaimedRoles { get; private init; } = [];

    private PasswordHash? Password { get; init; }

    private TokenHash? Token { get; init; }

    /// <summary>The login ends when the password changes.</summary>
    public static Principal ByPassword(UserRecord user) => new(user.Name, LoginMethod.Password)
    {
        Password = user.Password,
        Encoded = PrincipalCodec.Encode(user.Name),
    };

    /// <summary>The login ends when the token is removed, or expires.</summary>
    public static Principal ByToken(UserRecord user, UserToken token) => new(user.Name, LoginMethod.Token)
    {
        Token = token.Hash,
        ExpiresUnixMs = token.ExpiresUnixMs,
        Encoded = PrincipalCodec.Encode(user.Name),
    };

    /// <summary>The user need not be known yet: without one there are no rights.</summary>
    public static Principal ByCertificate(string user) => new(user, LoginMethod.Certificate)
    {
        Encoded = PrincipalCodec.Encode(user),
    };

    public static Principal ByJwt(string subject, IReadOnlyList<string> roles, long expiresUnixMs) =>
        new(subject, LoginMethod.Jwt)
        {
            ClaimedRoles = roles,
            ExpiresUnixMs = expiresUnixMs,
            Encoded = PrincipalCodec.Encode(subject, roles),
        };

    /// <summary>
    /// The rights by this catalog; null where the login is not valid any more: the user is gone, or the password or
    /// token by which it came. Compares one reference where nothing has changed.
    /// </summary>
    public CompiledRights? RightsIn(AccessCatalog catalog)
    {
        Compiled? compiled = _compiled;
        if (compiled is null || compiled.Catalog != catalog)
        {
            _compiled = compiled = new Compiled(catalog, Compile(catalog));
        }

        return compiled.Rights;
    }

    public override string ToString() => IsAnonymous ? "nobody" : $"{Name} ({Method})";

    private CompiledRights? Compile(AccessCatalog catalog)
    {
        switch (Method)
        {
            case LoginMethod.None:
                return null;
            case LoginMethod.Jwt:
                return catalog.RightsOf(ClaimedRoles);
            default:
                return catalog.FindUser(Name) is { } user && IsStillValid(user) ? catalog.RightsOf(user) : null;
        }
    }

    private bool IsStillValid(UserRecord user) => Method switch
    {
        LoginMethod.Password => user.Password is not null && user.Password.Equals(Password),
        LoginMethod.Token => user.Tokens.Any(token => token.Hash == Token),
        _ => true,
    };

    private sealed record Compiled(AccessCatalog Catalog, CompiledRights? Rights);
}
