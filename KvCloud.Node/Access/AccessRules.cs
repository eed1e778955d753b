using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>What changes of users and roles do. Deterministic: apply runs it on every replica.</summary>
internal static class AccessRules
{
    private const string NameCharacters = "letters, digits and the characters . _ - @ + :";

    /// <summary>Why the change is none that could be made, whatever the state is; null if it could.</summary>
    public static CommandResult? Validate(AccessChange change)
    {
        bool isRole = change.Action is AccessAction.AddRole or AccessAction.RemoveRole or AccessAction.GrantToRole
            or AccessAction.RevokeFromRole;
        return ValidateName(isRole ? "role" : "user", change.Name) ?? change.Action switch
        {
            AccessAction.SetPassword or AccessAction.CreateFirstAdmin when change.Password is null =>
                Refuse(KvStatus.InvalidArgument, "the password is missing"),
            AccessAction.AddToken when change.Token is null =>
                Refuse(KvStatus.InvalidArgument, "the token is missing"),
            AccessAction.AddToken => ValidateName("token", change.Token!.Name),
            AccessAction.RemoveToken => ValidateName("token", change.Other),
            AccessAction.AssignRole or AccessAction.UnassignRole => ValidateName("role", change.Other),
            AccessAction.GrantToUser or AccessAction.RevokeFromUser or AccessAction.GrantToRole
                or AccessAction.RevokeFromRole => ValidateGrant(change.Grant),
            _ => null,
        };
    }

    /// <summary>The users and roles after the change; the same ones where it is refused.</summary>
    public static CommandResult Apply(AccessCatalog before, AccessChange change, out AccessCatalog after)
    {
        CommandResult result = Change(before, change, out after);
        if (result.Code == KvStatus.Ok && before.HasAdmin && !after.HasAdmin)
        {
            result = Refuse(
                KvStatus.LastAdmin,
                $"{change.Name} is the last user who may administer the cluster: let somebody else do so first");
        }

        if (result.Code != KvStatus.Ok)
        {
            after = before;
        }

        return result;
    }

    private static CommandResult Change(AccessCatalog before, AccessChange change, out AccessCatalog after)
    {
        after = before;
        switch (change.Action)
        {
            case AccessAction.CreateFirstAdmin:
                return CreateFirstAdmin(before, change, out after);
            case AccessAction.AddUser:
                return AddUser(before, change, out after);
            case AccessAction.AddRole:
                return AddRole(before, change.Name, out after);
            case AccessAction.RemoveRole:
                return RemoveRole(before, change.Name, out after);
            case AccessAction.GrantToRole:
            case AccessAction.RevokeFromRole:
                return ChangeRole(before, change, out after);
            default:
                return before.FindUser(change.Name) is { } user
                    ? ChangeUser(before, user, change, out after)
                    : NotFound("user", change.Name);
        }
    }

    private static CommandResult CreateFirstAdmin(AccessCatalog before, AccessChange change, out AccessCatalog after)
    {
        after = before;
        if (before.HasAdmin)
        {
            return Refuse(
                KvStatus.AccessExists, "somebody may administer the cluster already: the first password is void");
        }

        // A user of that name may be there already, without the right.
        UserRecord user = before.FindUser(change.Name) ?? UserRecord.New(change.Name, change.Password);
        after = before.With(user with
        {
            Password = change.Password,
            Roles = [.. user.Roles.Where(role => role != RoleRecord.AdminName), RoleRecord.AdminName],
        });
        return new CommandResult(KvStatus.Ok);
    }

    private static CommandResult AddUser(AccessCatalog before, AccessChange change, out AccessCatalog after)
    {
        after = before;
        if (before.FindUser(change.Name) is not null)
        {
            return Refuse(KvStatus.AccessExists, $"user '{change.Name}' exists already");
        }

        if (before.Users.Count >= AccessLimits.Users)
        {
            return Full($"{AccessLimits.Users} users");
        }

        after = before.With(UserRecord.New(change.Name, change.Password));
        return new CommandResult(KvStatus.Ok);
    }

    private static CommandResult AddRole(AccessCatalog before, string name, out AccessCatalog after)
    {
        after = before;
        if (before.FindRole(name) is not null)
        {
            return Refuse(KvStatus.AccessExists, $"role '{name}' exists already");
        }

        if (before.Roles.Count >= AccessLimits.Roles)
        {
            return Full($"{AccessLimits.Roles} roles");
        }

        after = before.With(new RoleRecord(name, []));
        return new CommandResult(KvStatus.Ok);
    }

    /// <summary>Whoever had the role has it no more, also when another of its name is added.</summary>
    private static CommandResult RemoveRole(AccessCatalog before, string name, out AccessCatalog after)
    {
        after = before;
        if (name == RoleRecord.AdminName)
        {
            return BuiltIn;
        }

        if (before.FindRole(name) is null)
        {
            return NotFound("role", name);
        }

        after = new AccessCatalog(
            before.Users.Select(user => user.Roles.Contains(name)
                ? user with { Roles = [.. user.Roles.Where(role => role != name)] }
                : user),
            before.Roles.Where(role => role.Name != name));
        return new CommandResult(KvStatus.Ok);
    }

    private static CommandResult ChangeRole(AccessCatalog before, AccessChange change, out AccessCatalog after)
    {
        after = before;
        if (change.Name == RoleRecord.AdminName)
        {
            return BuiltIn;
        }

        if (before.FindRole(change.Name) is not { } role)
        {
            return NotFound("role", change.Name);
        }

        CommandResult result = ChangeGrants(
            role.Grants, change.Grant!, change.Action == AccessAction.GrantToRole, out IReadOnlyList<Grant> grants);
        after = before.With(role with { Grants = grants });
        return result;
    }

    private static CommandResult ChangeUser(
        AccessCatalog before, UserRecord user, AccessChange change, out AccessCatalog after)
    {
        var result = new CommandResult(KvStatus.Ok);
        UserRecord changed = user;
        switch (change.Action)
        {
            case AccessAction.RemoveUser:
                after = before.WithoutUser(user.Name);
                return result;
            case AccessAction.SetPassword:
                changed = user with { Password = change.Password };
                break;
            case AccessAction.AddToken:
                result = AddToken(before, user, change.Token!, out changed);
                break;
            case AccessAction.RemoveToken:
                changed = user with { Tokens = [.. user.Tokens.Where(token => token.Name != change.Other)] };
                result = changed.Tokens.Count == user.Tokens.Count ? NotFound("token", change.Other!) : result;
                break;
            case AccessAction.AssignRole:
                result = AssignRole(before, user, change.Other!, out changed);
                break;
            case AccessAction.UnassignRole:
                changed = user with { Roles = [.. user.Roles.Where(role => role != change.Other)] };
                result = changed.Roles.Count == user.Roles.Count
                    ? Refuse(KvStatus.AccessNotFound, $"user '{user.Name}' does not have role '{change.Other}'")
                    : result;
                break;
            default:
                result = ChangeGrants(
                    user.Grants,
                    change.Grant!,
                    change.Action == AccessAction.GrantToUser,
                    out IReadOnlyList<Grant> grants);
                changed = user with { Grants = grants };
                break;
        }

        after = before.With(changed);
        return result;
    }

    private static CommandResult AddToken(
        AccessCatalog before, UserRecord user, UserToken token, out UserRecord changed)
    {
        changed = user;
        if (user.Tokens.Any(other => other.Name == token.Name) || before.FindToken(token.Hash) is not null)
        {
            return Refuse(KvStatus.AccessExists, $"token '{token.Name}' of user '{user.Name}' exists already");
        }

        if (user.Tokens.Count >= AccessLimits.TokensPerUser)
        {
            return Full($"{AccessLimits.TokensPerUser} tokens of user '{user.Name}'");
        }

        changed = user with { Tokens = [.. user.Tokens, token] };
        return new CommandResult(KvStatus.Ok);
    }

    private static CommandResult AssignRole(
        AccessCatalog before, UserRecord user, string role, out UserRecord changed)
    {
        changed = user;
        if (before.FindRole(role) is null)
        {
            return NotFound("role", role);
        }

        if (user.Roles.Count >= AccessLimits.RolesPerUser)
        {
            return Full($"{AccessLimits.RolesPerUser} roles of user '{user.Name}'");
        }

        changed = user.Roles.Contains(role) ? user : user with { Roles = [.. user.Roles, role] };
        return new CommandResult(KvStatus.Ok);
    }

    private static CommandResult ChangeGrants(
        IReadOnlyList<Grant> grants, Grant change, bool isGranted, out IReadOnlyList<Grant> changed)
    {
        changed = grants;
        Grant? known = grants.FirstOrDefault(grant => grant.HasScopeOf(change));
        KvRights before = known?.Rights ?? KvRights.None;
        if (!isGranted && (before & change.Rights) == 0)
        {
            return Refuse(
                KvStatus.AccessNotFound,
                $"{change.Rights.ToText()} is not granted on {change.ColumnFamily} with that very key prefix");
        }

        if (known is null && grants.Count >= AccessLimits.Grants)
        {
            return Full($"{AccessLimits.Grants} grants");
        }

        KvRights after = isGranted ? before | change.Rights : before & ~change.Rights;
        IEnumerable<Grant> others = grants.Where(grant => grant != known);
        changed = [.. after == KvRights.None ? others : others.Append(change with { Rights = after })];
        return new CommandResult(KvStatus.Ok);
    }

    private static CommandResult? ValidateName(string what, string? name)
    {
        int length = name is null ? 0 : Encoding.UTF8.GetByteCount(name);
        if (length is 0 or > AccessLimits.NameBytes)
        {
            return Refuse(
                KvStatus.InvalidArgument,
                $"the name of a {what} has 1 to {AccessLimits.NameBytes} bytes, not {length}");
        }

        return name!.All(character => char.IsAsciiLetterOrDigit(character) || "._-@+:".Contains(character))
            ? null
            : Refuse(KvStatus.InvalidArgument, $"the name of a {what} consists of {NameCharacters}");
    }

    private static CommandResult? ValidateGrant(Grant? grant)
    {
        if (grant is null)
        {
            return Refuse(KvStatus.InvalidArgument, "the right is missing: read, write or admin");
        }

        int length = Encoding.UTF8.GetByteCount(grant.ColumnFamily);
        return length is 0 or > KvLimits.ColumnFamilyNameSizeBytes
            ? Refuse(
                KvStatus.InvalidArgument,
                $"a column family's name has 1 to {KvLimits.ColumnFamilyNameSizeBytes} bytes, not {length}")
            : grant.Prefix.Length > KvLimits.KeySizeBytes
                ? Refuse(KvStatus.KeyTooLarge, $"a key prefix has at most {KvLimits.KeySizeBytes} bytes")
                : null;
    }

    private static CommandResult BuiltIn => Refuse(
        KvStatus.InvalidArgument, $"role '{RoleRecord.AdminName}' holds all rights, and is not changed");

    private static CommandResult NotFound(string what, string name) =>
        Refuse(KvStatus.AccessNotFound, $"there is no {what} '{name}'");

    private static CommandResult Full(string limit) =>
        Refuse(KvStatus.InvalidArgument, $"there are {limit}, which is the limit");

    private static CommandResult Refuse(KvStatus code, string message) => new(code, Message: message);
}
