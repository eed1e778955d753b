namespace KvCloud.Node.Access;

/// <summary>One change of users or roles, as a command carries it. What the action does not use is null.</summary>
/// <param name="Name">Of the user or the role that changes.</param>
internal sealed record AccessChange(AccessAction Action, string Name)
{
    public PasswordHash? Password { get; init; }

    public UserToken? Token { get; init; }

    /// <summary>Of the role that the user gets or loses, or of the token that it loses.</summary>
    public string? Other { get; init; }

    public Grant? Grant { get; init; }

    /// <summary>Whether it is one that everybody may make for themselves.</summary>
    public bool IsOwnBusinessOf(string user) =>
        Name == user && Action is AccessAction.SetPassword or AccessAction.AddToken or AccessAction.RemoveToken;

    /// <summary>For the audit trail: what it does, without any secret.</summary>
    public string Describe() => Action switch
    {
        AccessAction.AddToken => $"{Action} {Name}: {Token?.Name}",
        AccessAction.RemoveToken or AccessAction.AssignRole or AccessAction.UnassignRole =>
            $"{Action} {Name}: {Other}",
        AccessAction.GrantToUser or AccessAction.RevokeFromUser or AccessAction.GrantToRole
            or AccessAction.RevokeFromRole when Grant is { } grant =>
            $"{Action} {Name}: {grant.Rights.ToText()} on {grant.ColumnFamily},"
                + $" a prefix of {grant.Prefix.Length} bytes",
        _ => $"{Action} {Name}",
    };
}
