using KvCloud.Node.Access;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Logging in, and users and roles: authenticate, changeAccess, listAccess.</summary>
internal static class AccessMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
        [new AuthenticateMethod(backend), new ChangeAccessMethod(backend), new ListAccess(backend)];

    private sealed class ListAccess(KvBackend backend)
        : LookupMethod<ListAccessRequest, ListAccessResponse>("listAccess", backend)
    {
        /// <summary>What it needs is the right to administer, which was asked for already.</summary>
        protected override Refusal? CheckAccess(ListAccessRequest request, Caller? caller) => null;

        protected override ListAccessResponse Read(ListAccessRequest request)
        {
            AccessCatalog catalog = Backend.Reader.Access;
            return new ListAccessResponse(
                true,
                [.. catalog.Users.Select(Describe)],
                [.. catalog.Roles.Append(RoleRecord.Admin).Select(role =>
                    new AccessRole(role.Name, [.. role.Grants.Select(Describe)]))]);
        }

        protected override ListAccessResponse NewAnswer() => new(false, [], []);

        private static AccessUser Describe(UserRecord user) => new(
            user.Name,
            user.Password is not null,
            [.. user.Tokens.Select(Describe)],
            [.. user.Roles],
            [.. user.Grants.Select(Describe)]);

        private static AccessToken Describe(UserToken token)
        {
            var described = new AccessToken(token.Name);
            if (token.ExpiresUnixMs != 0)
            {
                described.ExpiresUnixMs = token.ExpiresUnixMs;
            }

            return described;
        }

        private static AccessGrant Describe(Grant grant) =>
            new((int)grant.Rights, grant.ColumnFamily, grant.Prefix.ToArray());
    }
}
