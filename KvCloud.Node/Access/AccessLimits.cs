namespace KvCloud.Node.Access;

/// <summary>
/// The limits of users, roles and what they hold. Constants, as apply depends on them: replicas with different limits
/// would diverge.
/// </summary>
internal static class AccessLimits
{
    public const int Users = 1_000;

    public const int Roles = 256;

    /// <summary>Of a user, a role or a token.</summary>
    public const int NameBytes = 64;

    /// <summary>Per user and per role.</summary>
    public const int Grants = 256;

    public const int RolesPerUser = 32;

    public const int TokensPerUser = 32;

    /// <summary>Fewer characters than these are no long random token.</summary>
    public const int MinTokenChars = 32;

    public const int MaxTokenChars = 8 * 1024;

    public const int MinPasswordChars = 8;

    public const int MaxPasswordChars = 1024;
}
