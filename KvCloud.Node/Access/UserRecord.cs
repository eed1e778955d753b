namespace KvCloud.Node.Access;

/// <summary>A user, as all replicas know it.</summary>
/// <param name="Password">Null for one who does not log in by a password.</param>
internal sealed record UserRecord(
    string Name,
    PasswordHash? Password,
    IReadOnlyList<UserToken> Tokens,
    IReadOnlyList<string> Roles,
    IReadOnlyList<Grant> Grants)
{
    public static UserRecord New(string name, PasswordHash? password) => new(name, password, [], [], []);
}
