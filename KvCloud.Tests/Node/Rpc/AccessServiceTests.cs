using System.Reflection;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc;
using KvCloud.Protocol;
using Thrift.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// Who may do what, through Apache's client, on real replicas of which one is asked and others serve too.
/// </summary>
public sealed class AccessServiceTests
{
    private const string Token = "a token that is long enough to be one, and random for this test";

    internal static readonly RpcOptions Required = new()
    {
        AllowFaultInjection = true,
        Access = new AccessOptions { Authorization = AuthorizationMode.Required, PasswordIterations = 1_000 },
    };

    [Fact]
    public void Needs_of_every_method_of_the_contract_is_decided() =>
        Assert.DoesNotContain(OperationClassifier.All, operation => operation.Needs == AccessNeed.Undecided);

    /// <summary>One that forgot to ask would be open for everybody.</summary>
    [Fact]
    public async Task KvDispatcher_every_method_without_a_login_is_unauthenticated_but_for_those_that_need_none()
    {
        await using ServiceHost host = await StartAsync();
        foreach (KvOperation operation in OperationClassifier.All)
        {
            ErrorCode code = await CallAsync(host.Client(), operation.Method);

            Assert.True(
                operation.Needs == AccessNeed.Nothing
                    ? code is ErrorCode.OK or ErrorCode.INVALID_ARGUMENT
                    : code == ErrorCode.UNAUTHENTICATED,
                $"{operation.Method}: {code}");
        }
    }

    [Fact]
    public async Task KvDispatcher_method_of_a_user_without_rights_is_denied_unless_it_needs_a_login_only()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client admin = await AdminAsync(host);
        Assert.True((await admin.changeAccess(Add("ada", "ada's password"))).Success);
        TransactionalKV.Client ada = await LoginAsync(host, "ada", "ada's password");
        foreach (KvOperation operation in OperationClassifier.All)
        {
            ErrorCode code = await CallAsync(ada, operation.Method);

            Assert.True(
                operation.Needs is AccessNeed.Nothing or AccessNeed.Login
                    ? code is ErrorCode.OK or ErrorCode.INVALID_ARGUMENT or ErrorCode.NOT_SUPPORTED
                    : code == ErrorCode.PERMISSION_DENIED,
                $"{operation.Method}: {code}");
        }
    }

    [Fact]
    public async Task Authenticate_what_is_wrong_says_no_more_than_that()
    {
        await using ServiceHost host = await StartAsync();
        await AdminAsync(host);
        TransactionalKV.Client client = host.Client();

        AuthenticateResponse wrong = await client.authenticate(
            new AuthenticateRequest { User = "admin", Password = "wrong password" });
        AuthenticateResponse unknown = await client.authenticate(
            new AuthenticateRequest { User = "nobody", Password = "wrong password" });
        AuthenticateResponse token = await client.authenticate(new AuthenticateRequest { Token = Token });
        AuthenticateResponse nothing = await client.authenticate(new AuthenticateRequest());

        Assert.Equal(ErrorCode.UNAUTHENTICATED, wrong.Code);
        Assert.Equal((wrong.Code, wrong.Error), (unknown.Code, unknown.Error));
        Assert.Equal(ErrorCode.UNAUTHENTICATED, token.Code);
        Assert.Equal(ErrorCode.INVALID_ARGUMENT, nothing.Code);
        Assert.Equal(ErrorCode.UNAUTHENTICATED, (await client.@get(new GetRequest(Key("a")))).Code);
    }

    [Fact]
    public async Task Authenticate_wrong_passwords_make_the_address_wait_and_say_so()
    {
        await using ServiceHost host = await StartAsync();
        await AdminAsync(host);
        TransactionalKV.Client client = host.Client();
        for (int i = 0; i <= LoginBackoff.FreeFailures; i++)
        {
            await client.authenticate(new AuthenticateRequest { User = "admin", Password = "wrong password" });
        }

        AuthenticateResponse answer = await client.authenticate(
            new AuthenticateRequest { User = "admin", Password = ServiceHost.AdminPassword });

        Assert.Equal(ErrorCode.OVERLOADED, answer.Code);
        Assert.StartsWith("too many failed logins from this address: wait", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Authenticate_user_that_was_made_a_moment_ago_is_known_to_a_replica_that_is_behind()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(3, Required);
        int leader = host.Leader;
        int behind = (leader + 1) % 3;
        TransactionalKV.Client admin = await AdminAsync(host, leader);
        host.Network.Cut(leader, behind);
        Assert.True((await admin.changeAccess(Add("ada", "ada's password"))).Success);

        Task<AuthenticateResponse> login = host.Client(behind).authenticate(
            new AuthenticateRequest { User = "ada", Password = "ada's password" });
        host.Network.HealAll();

        AuthenticateResponse answer = await login;
        Assert.True(answer.Success, answer.Error);
    }

    [Fact]
    public async Task Authenticate_on_a_replica_without_a_leader_does_not_call_the_password_wrong()
    {
        RpcOptions options = Required with
        {
            Access = Required.Access with { ReadIndexTimeout = TimeSpan.FromMilliseconds(300) },
        };
        await using ServiceHost host = await ServiceHost.StartAsync(3, options);
        int leader = host.Leader;
        int behind = (leader + 1) % 3;
        TransactionalKV.Client admin = await AdminAsync(host, leader);
        Assert.True((await admin.changeAccess(Add("bob", "bob's password"))).Success);
        await LoginAsync(host, "bob", "bob's password", behind);
        host.Network.Cut(leader, behind);
        Assert.True((await admin.changeAccess(Add("ada", "ada's password"))).Success);

        AuthenticateResponse ada = await host.Client(behind).authenticate(
            new AuthenticateRequest { User = "ada", Password = "ada's password" });
        AuthenticateResponse token = await host.Client(behind).authenticate(new AuthenticateRequest { Token = Token });
        AuthenticateResponse bob = await host.Client(behind).authenticate(
            new AuthenticateRequest { User = "bob", Password = "bob's password" });

        Assert.Contains(ada.Code, new[] { ErrorCode.NO_LEADER, ErrorCode.TIMEOUT });
        Assert.StartsWith("whether user or password is right could not be told", ada.Error, StringComparison.Ordinal);
        Assert.Contains(token.Code, new[] { ErrorCode.NO_LEADER, ErrorCode.TIMEOUT });
        Assert.True(bob.Success, bob.Error);
    }

    [Fact]
    public async Task SetKey_and_get_are_held_to_column_family_and_prefix()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client admin = await AdminAsync(host);
        await admin.changeAccess(Add("ada", "ada's password"));
        await admin.changeAccess(Grant("ada", KvRights.Read | KvRights.Write, "default", "a/"));
        TransactionalKV.Client ada = await LoginAsync(host, "ada", "ada's password");

        Assert.True((await ada.setKey(new SetRequest(Key("a/1"), Key("1")))).Success);
        Assert.True((await ada.@get(new GetRequest(Key("a/1")))).Found);
        SetResponse elsewhere = await ada.setKey(new SetRequest(Key("b/1"), Key("secret value")));
        Assert.Equal(
            "the right to write is missing: this key of column family 'default'; nothing was done", elsewhere.Error);
        Assert.Equal("PERMISSION_DENIED", elsewhere.ErrorCode);
        Assert.Equal(ErrorCode.PERMISSION_DENIED, (await ada.@get(new GetRequest(Key("b/1")))).Code);

        GetRangeResponse within = await ada.getRange(Range("a/", "a0"));
        GetRangeResponse wider = await ada.getRange(Range("a/", "b"));
        GetRangeRequest offset = Range("a/", "a0");
        offset.EndOffset = 1;
        Assert.Single(within.KeyValues!);
        Assert.Equal(ErrorCode.PERMISSION_DENIED, wider.Code);
        Assert.Equal(ErrorCode.PERMISSION_DENIED, (await ada.getRange(offset)).Code);
    }

    [Fact]
    public async Task ChangeAccess_revocation_holds_for_the_next_call_on_an_open_connection()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client admin = await AdminAsync(host);
        await admin.changeAccess(Add("ada", "ada's password"));
        await admin.changeAccess(Grant("ada", KvRights.Read | KvRights.Write, "*", ""));
        TransactionalKV.Client ada = await LoginAsync(host, "ada", "ada's password");
        Assert.True((await ada.setKey(new SetRequest(Key("a"), Key("1")))).Success);

        ChangeAccessRequest revoke = Grant("ada", KvRights.Write, "*", "");
        revoke.Kind = AccessChangeKind.REVOKE_FROM_USER;
        ChangeAccessResponse answer = await admin.changeAccess(revoke);

        Assert.True(answer.Success, answer.Error);
        Assert.Equal(ErrorCode.PERMISSION_DENIED, (await ada.setKey(new SetRequest(Key("a"), Key("2")))).Code);
        Assert.True((await ada.@get(new GetRequest(Key("a")))).Found);
        await admin.changeAccess(new ChangeAccessRequest(AccessChangeKind.REMOVE_USER, "ada"));
        GetResponse gone = await ada.@get(new GetRequest(Key("a")));
        Assert.Equal(ErrorCode.UNAUTHENTICATED, gone.Code);
        Assert.StartsWith("the login is not valid any more", gone.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChangeAccess_tokens_and_passwords_that_are_taken_away_end_their_logins()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client admin = await AdminAsync(host);
        await admin.changeAccess(Add("ada", "ada's password"));
        await admin.changeAccess(Grant("ada", KvRights.Read, "*", ""));
        TransactionalKV.Client byPassword = await LoginAsync(host, "ada", "ada's password");
        ChangeAccessResponse added = await byPassword.changeAccess(
            new ChangeAccessRequest(AccessChangeKind.ADD_TOKEN, "ada") { Token = Token, TokenName = "ci" });
        Assert.True(added.Success, added.Error);
        TransactionalKV.Client byToken = host.Client();
        Assert.Equal("ada", (await byToken.authenticate(new AuthenticateRequest { Token = Token })).User);

        Assert.True((await byPassword.changeAccess(
            new ChangeAccessRequest(AccessChangeKind.SET_PASSWORD, "ada") { Password = "another one" })).Success);

        Assert.Equal(ErrorCode.UNAUTHENTICATED, (await byPassword.@get(new GetRequest(Key("a")))).Code);
        Assert.Equal(ErrorCode.OK, (await byToken.@get(new GetRequest(Key("a")))).Code);
        Assert.True((await admin.changeAccess(
            new ChangeAccessRequest(AccessChangeKind.REMOVE_TOKEN, "ada") { TokenName = "ci" })).Success);
        Assert.Equal(ErrorCode.UNAUTHENTICATED, (await byToken.@get(new GetRequest(Key("a")))).Code);
    }

    [Fact]
    public async Task ListAccess_tells_everything_but_secrets()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client admin = await AdminAsync(host);
        await admin.changeAccess(Add("ada", "ada's password"));
        await admin.changeAccess(
            new ChangeAccessRequest(AccessChangeKind.ADD_TOKEN, "ada") { Token = Token, TokenName = "ci" });
        await admin.changeAccess(Grant("ada", KvRights.Read, "*", "p"));

        ListAccessResponse list = await admin.listAccess(new ListAccessRequest());

        Assert.True(list.Success, list.Error);
        AccessUser ada = list.Users!.Single(user => user.Name == "ada");
        Assert.True(ada.HasPassword);
        Assert.Equal("ci", Assert.Single(ada.Tokens!).Name);
        Assert.Equal((1, "*"), (ada.Grants![0].Rights, ada.Grants[0].ColumnFamily));
        Assert.Equal(["admin"], list.Users!.Single(user => user.Name == "admin").Roles);
        Assert.Equal("admin", Assert.Single(list.Roles!).Name);
    }

    /// <summary>What an existing client can: name its token with each administrative call.</summary>
    [Fact]
    public async Task CheckToken_of_one_call_is_who_makes_it_and_leaves_the_connection_as_it_was()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client admin = await AdminAsync(host);
        await admin.changeAccess(
            new ChangeAccessRequest(AccessChangeKind.ADD_TOKEN, "admin") { Token = Token, TokenName = "old-client" });
        TransactionalKV.Client client = host.Client();

        Assert.True((await client.getClusterHealth(new GetClusterHealthRequest { AuthToken = Token })).Success);
        Assert.True((await client.createColumnFamily(new ColumnFamilyRequest("cf") { AuthToken = Token })).Success);
        GetClusterHealthResponse wrong = await client.getClusterHealth(
            new GetClusterHealthRequest { AuthToken = Token + "!" });
        Assert.Equal((ErrorCode.UNAUTHENTICATED, "auth_token is wrong"), (wrong.Code, wrong.Error));
        Assert.Equal(
            ErrorCode.UNAUTHENTICATED, (await client.getClusterHealth(new GetClusterHealthRequest())).Code);
    }

    /// <summary>
    /// Through every replica, of which two have not been asked: writes are held to the rights at their place in the
    /// log, linearizable reads to those that the replica has when it reads.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ChangeAccess_revocation_holds_on_every_replica_for_writes_and_linearizable_reads(bool viaFollower)
    {
        await using ServiceHost host = await ServiceHost.StartAsync(
            3, Required, new RoutingOptions { ForwardWrites = true });
        int asked = viaFollower ? (host.Leader + 1) % 3 : host.Leader;
        TransactionalKV.Client admin = await AdminAsync(host, asked);
        Assert.True((await admin.changeAccess(Add("ada", "ada's password"))).Success);
        for (int round = 0; round < 20; round++)
        {
            ChangeAccessRequest change = Grant("ada", KvRights.Read | KvRights.Write, "*", "");
            Assert.True((await admin.changeAccess(change)).Success);
            var clients = new List<TransactionalKV.Client>();
            for (int replica = 0; replica < 3; replica++)
            {
                clients.Add(await LoginAsync(host, "ada", "ada's password", replica));
                await ConnectionTests.Eventually(() => host.Servers[replica].Reader.AppliedSlot
                    >= host.Servers[asked].Reader.AppliedSlot);
                SetResponse granted = await clients[replica].setKey(new SetRequest(Key("a"), Key("1")));
                Assert.True(granted.Success, granted.Error);
            }

            change.Kind = AccessChangeKind.REVOKE_FROM_USER;
            Assert.True((await admin.changeAccess(change)).Success);

            foreach (TransactionalKV.Client client in clients)
            {
                Task<SetResponse> write = client.setKey(new SetRequest(Key("a"), Key("2")));
                Assert.Equal(ErrorCode.PERMISSION_DENIED, (await write).Code);
                GetResponse read = await client.@get(
                    new GetRequest(Key("a")) { Consistency = ReadConsistency.READ_INDEX });
                Assert.Equal(ErrorCode.PERMISSION_DENIED, read.Code);
            }
        }
    }

    /// <summary>With security off nothing changes for clients that know nothing of it.</summary>
    [Fact]
    public async Task Authenticate_where_authorization_is_off_checks_the_login_and_asks_for_nothing()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        Assert.True((await client.setKey(new SetRequest(Key("a"), Key("1")))).Success);
        AuthenticateResponse wrong = await client.authenticate(
            new AuthenticateRequest { User = "nobody", Password = "whatever else" });

        Assert.Equal(ErrorCode.UNAUTHENTICATED, wrong.Code);
        Assert.True((await client.@get(new GetRequest(Key("a")))).Found);
    }

    private static Task<ServiceHost> StartAsync() => ServiceHost.StartAsync(1, Required);

    internal static async Task<TransactionalKV.Client> AdminAsync(ServiceHost host, int replica = 0)
    {
        await ConnectionTests.Eventually(() => host.Servers[replica].Reader.Access.HasAdmin);
        return await LoginAsync(host, "admin", ServiceHost.AdminPassword, replica);
    }

    internal static async Task<TransactionalKV.Client> LoginAsync(
        ServiceHost host, string user, string password, int replica = 0)
    {
        TransactionalKV.Client client = host.Client(replica);
        await ConnectionTests.Eventually(() => host.Servers[replica].Reader.Access.FindUser(user) is not null);
        AuthenticateResponse answer = await client.authenticate(
            new AuthenticateRequest { User = user, Password = password });
        Assert.True(answer.Success, answer.Error);
        Assert.Equal(user, answer.User);
        return client;
    }

    internal static ChangeAccessRequest Add(string user, string password) =>
        new(AccessChangeKind.ADD_USER, user) { Password = password };

    internal static ChangeAccessRequest Grant(string user, KvRights rights, string family, string prefix) =>
        new(AccessChangeKind.GRANT_TO_USER, user) { Grant = new AccessGrant((int)rights, family, Key(prefix)) };

    internal static GetRangeRequest Range(string begin, string end) =>
        new() { BeginKey = Key(begin), EndKey = Key(end) };

    /// <summary>With arguments that are well-formed and otherwise of no meaning.</summary>
    private static async Task<ErrorCode> CallAsync(TransactionalKV.Client client, string name)
    {
        MethodInfo method = typeof(TransactionalKV.IAsync).GetMethod(name)!;
        object request = Activator.CreateInstance(method.GetParameters()[0].ParameterType)!;
        if (request is ChangeAccessRequest change)
        {
            change.Kind = AccessChangeKind.ADD_USER;
        }

        foreach (PropertyInfo property in request.GetType().GetProperties())
        {
            if (property.GetValue(request) is null && property.Name != "AuthToken")
            {
                property.SetValue(request, SampleOf(property.PropertyType));
            }
        }

        var task = (Task)method.Invoke(client, [request, CancellationToken.None])!;
        await task;
        object answer = task.GetType().GetProperty("Result")!.GetValue(task)!;
        return answer is IAnswer ? KvCloud.Node.Rpc.Methods.Answers.CodeOf((TBase)answer) : ErrorCode.OK;
    }

    private static object? SampleOf(Type type) =>
        type == typeof(byte[]) ? Key("some key of twelve bytes")
        : type == typeof(List<Operation>) ? new List<Operation> { Operation("set", "a", "1") }
        : type == typeof(AccessGrant) ? new AccessGrant(1, "*", [])
        : type == typeof(string) ? "127.0.0.1:9"
        : type.IsGenericType ? Activator.CreateInstance(type)
        : null;
}
