using System.Collections.Frozen;

namespace KvCloud.Node.Access;

/// <summary>
/// All users and roles at one moment. Immutable: a change makes a new catalog, so that whoever holds what was compiled
/// of one sees by its reference whether it is still in force.
/// </summary>
internal sealed class AccessCatalog
{
    public static readonly AccessCatalog Empty = new([], []);

    private readonly FrozenDictionary<string, UserRecord> _users;
    private readonly FrozenDictionary<string, RoleRecord> _roles;
    private readonly FrozenDictionary<TokenHash, UserRecord> _byToken;

    public AccessCatalog(IEnumerable<UserRecord> users, IEnumerable<RoleRecord> roles)
    {
        Users = [.. users.OrderBy(user => user.Name, StringComparer.Ordinal)];
        Roles = [.. roles.OrderBy(role => role.Name, StringComparer.Ordinal)];
        _users = Users.ToFrozenDictionary(user => user.Name, StringComparer.Ordinal);
        _roles = Roles.Append(RoleRecord.Admin).ToFrozenDictionary(role => role.Name, StringComparer.Ordinal);
        _byToken = Users.SelectMany(user => user.Tokens.Select(token => (token.Hash, User: user)))
            .ToFrozenDictionary(token => token.Hash, token => token.User);
    }

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<UserRecord> Users { get; }

    /// <summary>Ordered by name; without <see cref="RoleRecord.Admin"/>, which is always there.</summary>
    public IReadOnlyList<RoleRecord> Roles { get; }

    /// <summary>Whether somebody may administer the cluster; once there is one, there always is.</summary>
    public bool HasAdmin => Users.Any(IsAdmin);

    public UserRecord? FindUser(string name) => _users.GetValueOrDefault(name);

    public RoleRecord? FindRole(string name) => _roles.GetValueOrDefault(name);

    /// <summary>Whose token it is; null if nobody's.</summary>
    public UserRecord? FindToken(in TokenHash hash) => _byToken.GetValueOrDefault(hash);

    /// <summary>Whether the user holds the right to administer on everything.</summary>
    public bool IsAdmin(UserRecord user) => GrantsOf(user).Any(grant =>
        (grant.Rights & KvRights.Admin) != 0
        && grant.ColumnFamily == Grant.Everywhere
        && grant.IsOfWholeColumnFamily);

    public CompiledRights RightsOf(UserRecord user) => new(GrantsOf(user));

    /// <summary>Names that no role has count for nothing.</summary>
    public CompiledRights RightsOf(IEnumerable<string> roles) => new(GrantsOf(roles));

    public AccessCatalog With(UserRecord user) =>
        new(Users.Where(other => other.Name != user.Name).Append(user), Roles);

    public AccessCatalog With(RoleRecord role) =>
        new(Users, Roles.Where(other => other.Name != role.Name).Append(role));

    public AccessCatalog WithoutUser(string name) => new(Users.Where(user => user.Name != name), Roles);

    public AccessCatalog WithoutRole(string name) => new(Users, Roles.Where(role => role.Name != name));

    private IEnumerable<Grant> GrantsOf(UserRecord user) => user.Grants.Concat(GrantsOf(user.Roles));

    private IEnumerable<Grant> GrantsOf(IEnumerable<string> roles) =>
        roles.Select(FindRole).OfType<RoleRecord>().SelectMany(role => role.Grants);
}
