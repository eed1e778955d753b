namespace KvCloud.Node.Access;

/// <summary>Whether rights are asked for.</summary>
internal enum AuthorizationMode
{
    /// <summary>Whoever reaches the node may do everything; a login is checked and counts for nothing.</summary>
    Off = 0,

    Required = 1,
}

/// <summary>Who may see the metrics without logging in.</summary>
internal enum MetricsAccess
{
    Open = 0,

    /// <summary>Only who may administer the cluster.</summary>
    Admin = 1,
}

/// <summary>How this node asks for rights, and how its callers log in. Immutable.</summary>
internal sealed record AccessOptions
{
    public AuthorizationMode Authorization { get; init; } = AuthorizationMode.Off;

    /// <summary>Certificates of users name it.</summary>
    public string ClusterId { get; init; } = "";

    public MetricsAccess Metrics { get; init; } = MetricsAccess.Open;

    /// <summary>Null where no identity provider's tokens are taken.</summary>
    public JwtOptions? Jwt { get; init; }

    /// <summary>Of a new password; see adr/0021 for what it costs.</summary>
    public int PasswordIterations { get; init; } = PasswordHashing.DefaultIterations;

    /// <summary>
    /// How long a login or a call that users and roles refuse, as they are known here, waits at most until this replica
    /// knows what the others do.
    /// </summary>
    public TimeSpan ReadIndexTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public bool IsRequired => Authorization == AuthorizationMode.Required;
}
