using System.Net.Sockets;
using KvCloud.Node.Access;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;
using static KvCloud.Tests.Node.Rpc.AccessServiceTests;
using static KvCloud.Tests.Node.Rpc.ServiceTests;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// A replica that is a moment behind: what it would refuse may be allowed by a change that was answered before the call
/// came. Nothing from the leader reaches it until the test says so.
/// </summary>
public sealed class RecheckedCallTests
{
    private const string Password = "ada's password";
    private const string Token = "a token that is long enough to be one, and random for this test";

    /// <summary>Reads that wait for nothing else.</summary>
    private static readonly GetRequest Local =
        new(Key("a/1")) { Consistency = ReadConsistency.LOCAL, MaxStalenessMs = 0 };

    private static readonly Dictionary<string, Func<TransactionalKV.Client, Task<TBase>>> Calls = new()
    {
        ["setKey"] = async client => await client.setKey(new SetRequest(Key("a/1"), Key("new"))),
        ["deleteKey"] = async client => await client.deleteKey(new DeleteRequest(Key("a/2"))),
        ["atomicCommit"] = async client => await client.atomicCommit(new AtomicCommitRequest(
            0, [Operation("set", "open/1", "1"), Operation("set", "a/3", "1")], [])),
        ["openSession"] = async client => await client.openSession(new OpenSessionRequest()),
        ["get"] = async client => await client.@get(new GetRequest(Key("a/1"))),
        ["get, local"] = async client => await client.@get(Local),
        ["getRange"] = async client => await client.getRange(Range("a/", "a0")),
        ["getRange, costly"] = async client =>
        {
            GetRangeRequest all = Range("many/", "many0");
            all.Limit = 1_000;
            GetRangeResponse rows = await client.getRange(all);
            Assert.True(rows.Error is not null || rows.KeyValues!.Count == 200);
            return rows;
        },
        ["snapshotRead"] = async client => await client.snapshotRead(new SnapshotReadRequest(Key("a/1"), 1)),
        ["getDatabaseStats"] = async client => await client.getDatabaseStats(new GetDatabaseStatsRequest()),
        ["listAccess"] = async client => await client.listAccess(new ListAccessRequest()),
        ["changeAccess"] = async client => await client.changeAccess(Add("bob", "bob's password")),
        ["createColumnFamily"] = async client => await client.createColumnFamily(new ColumnFamilyRequest("cf")),
    };

    [Fact]
    public async Task Calls_on_a_replica_that_has_not_applied_the_grant_yet_are_run_once_it_has()
    {
        await using Group group = await Group.StartAsync();
        List<TransactionalKV.Client> clients = await group.LoginsAsync(Calls.Count);
        group.HoldBack();
        await group.GrantAsync(KvRights.Read | KvRights.Write | KvRights.Admin, "");

        List<Task<TBase>> answers = [.. Calls.Values.Zip(clients, (call, client) => call(client))];
        await group.WaitInFlightAsync(Calls.Count);
        Assert.DoesNotContain(answers, answer => answer.IsCompleted);
        group.LetGo();

        foreach ((string name, Task<TBase> answer) in Calls.Keys.Zip(answers))
        {
            Assert.True(Answers.CodeOf(await answer) == ErrorCode.OK, $"{name}: {((IAnswer)await answer).Error}");
        }

        Assert.Empty(group.Refusals);
    }

    [Fact]
    public async Task Calls_that_are_refused_by_all_replicas_are_refused_wholly_and_noted_once()
    {
        await using Group group = await Group.StartAsync();
        await group.GrantAsync(KvRights.Write, "open/");
        KeyValuePair<string, Func<TransactionalKV.Client, Task<TBase>>>[] calls =
            [.. Calls.Where(call => call.Key != "openSession")];
        List<TransactionalKV.Client> clients = await group.LoginsAsync(calls.Length);
        group.HoldBack();

        List<Task<TBase>> answers = [.. calls.Zip(clients, (call, client) => call.Value(client))];
        await group.WaitInFlightAsync(calls.Length);
        Assert.Empty(group.Refusals);
        group.LetGo();

        foreach ((string name, Task<TBase> answer) in calls.Select(call => call.Key).Zip(answers))
        {
            Assert.True(Answers.CodeOf(await answer) == ErrorCode.PERMISSION_DENIED, name);
        }

        string[] callers = [.. group.Refusals.Select(line => line.Split(" from ")[1].Split(": ")[0])];
        Assert.InRange(callers.Length, AuditLog.MaxLinesPerSecond, calls.Length);
        Assert.Equal(callers.Distinct(), callers);
        Assert.False((await group.Admin.@get(new GetRequest(Key("open/1")))).Found);
    }

    /// <summary>It may be a new leader that has not applied everything yet, so it asks its quorum as well.</summary>
    [Fact]
    public async Task SetKey_that_the_leader_refuses_is_refused_only_once_a_quorum_has_confirmed_that_it_leads()
    {
        await using Group group = await Group.StartAsync();
        TransactionalKV.Client ada = await LoginAsync(group.Host, "ada", Password, group.Leader);
        group.Host.Network.Cut(group.Behind, group.Leader);
        group.Host.Network.Cut(group.Other, group.Leader);

        Task<SetResponse> answer = ada.setKey(new SetRequest(Key("a/1"), Key("new")));
        await ConnectionTests.Eventually(() => group.Host.Servers[group.Leader].Budget.Calls == 1);
        Assert.False(answer.IsCompleted);
        group.LetGo();

        Assert.Equal(ErrorCode.PERMISSION_DENIED, (await answer).Code);
    }

    [Theory]
    [InlineData(300, null)]
    [InlineData(3_600_000, 300)]
    [InlineData(300, 300_000)]
    public async Task SetKey_of_which_a_replica_cannot_find_out_is_answered_in_time_and_not_denied(
        int readIndexTimeoutMs, int? timeoutMs)
    {
        await using Group group = await Group.StartAsync(TimeSpan.FromMilliseconds(readIndexTimeoutMs));
        TransactionalKV.Client ada = (await group.LoginsAsync(1))[0];
        group.HoldBack();
        await group.GrantAsync(KvRights.Write, "");
        var request = new SetRequest(Key("a/1"), Key("new"));
        if (timeoutMs is int given)
        {
            request.TimeoutMs = given;
        }

        SetResponse answer = await ada.setKey(request);

        Assert.Contains(answer.Code, new[] { ErrorCode.NO_LEADER, ErrorCode.TIMEOUT });
        Assert.StartsWith("whether the caller may do this could not be told: ", answer.Error, StringComparison.Ordinal);
        Assert.Contains("could not be told", Assert.Single(group.Refusals), StringComparison.Ordinal);
        group.LetGo();
        Assert.True((await ada.setKey(new SetRequest(Key("a/1"), Key("again")))).Success);
    }

    [Fact]
    public async Task GetClusterHealth_with_a_token_that_was_made_a_moment_ago_waits_until_the_replica_knows_it()
    {
        await using Group group = await Group.StartAsync();
        group.HoldBack();
        Assert.True((await group.Admin.changeAccess(new ChangeAccessRequest(AccessChangeKind.ADD_TOKEN, "ada")
        {
            Token = Token,
            TokenName = "ci",
        })).Success);

        Task<GetClusterHealthResponse> known = group.Host.Client(group.Behind).getClusterHealth(
            new GetClusterHealthRequest { AuthToken = Token });
        Task<GetClusterHealthResponse> wrong = group.Host.Client(group.Behind).getClusterHealth(
            new GetClusterHealthRequest { AuthToken = Token + "!" });
        await group.WaitInFlightAsync(2);
        GetClusterHealthResponse none = await group.Host.Client(group.Behind).getClusterHealth(
            new GetClusterHealthRequest { AuthToken = "too short to be one" });
        group.LetGo();

        Assert.True((await known).Success, (await known).Error);
        Assert.Equal((ErrorCode.UNAUTHENTICATED, "auth_token is wrong"), ((await wrong).Code, (await wrong).Error));
        Assert.Equal(ErrorCode.UNAUTHENTICATED, none.Code);
    }

    [Fact]
    public async Task SetKey_by_a_certificate_whose_user_was_made_a_moment_ago_waits_until_the_replica_knows_them()
    {
        await using Group group = await Group.StartAsync();
        await using RpcTestHost server = await RpcTestHost.StartAsync(new ByCertificate(
            group.Host.Servers[group.Behind].Dispatcher, "eve"));
        using var eve = RawClient.Connect(server.Port);
        byte[] set = RawClient.Message("setKey", 1, new SetRequest(Key("e/1"), Key("1")));
        eve.Send(set);
        Assert.Equal(ErrorCode.UNAUTHENTICATED, (await AnswerAsync(eve)).Code);
        group.HoldBack();
        await group.Admin.changeAccess(new ChangeAccessRequest(AccessChangeKind.ADD_USER, "eve"));
        await group.Admin.changeAccess(Grant("eve", KvRights.Write, "default", "e/"));

        eve.Send(set);
        await ConnectionTests.Eventually(() => server.Budget.Calls == 1);
        group.LetGo();

        SetResponse answer = await AnswerAsync(eve);
        Assert.True(answer.Success, answer.Error);
    }

    [Fact]
    public async Task SetKey_that_waits_when_the_node_begins_to_stop_is_answered()
    {
        await using Group group = await Group.StartAsync();
        TransactionalKV.Client ada = (await group.LoginsAsync(1))[0];
        group.HoldBack();
        Task<SetResponse> answer = ada.setKey(new SetRequest(Key("a/1"), Key("new")));
        await group.WaitInFlightAsync(1);

        Task draining = group.Host.Servers[group.Behind].Server.DrainAsync(CancellationToken.None);
        group.LetGo();

        Assert.Equal(ErrorCode.SHUTTING_DOWN, (await answer).Code);
        await draining;
    }

    [Fact]
    public async Task SetKey_whose_client_has_gone_while_it_waited_is_not_run()
    {
        await using Group group = await Group.StartAsync();
        using RawClient ada = await LoginRawAsync(group);
        group.HoldBack();
        await group.GrantAsync(KvRights.Write, "");
        ada.Send(RawClient.Message("setKey", 1, new SetRequest(Key("a/1"), Key("new"))));
        await group.WaitInFlightAsync(1);

        // A reset: one that closes its sending side alone would still get its answer.
        ada.Socket.LingerState = new LingerOption(true, 0);
        ada.Socket.Close();
        await group.WaitInFlightAsync(0);
        group.LetGo();

        // One that is refused as well waits for the read index after the one that the call waited for.
        TransactionalKV.Client again = (await group.LoginsAsync(1))[0];
        ErrorCode refused = (await again.authenticate(new AuthenticateRequest { Token = Token })).Code;
        Assert.Equal(ErrorCode.UNAUTHENTICATED, refused);
        Assert.True((await again.setKey(new SetRequest(Key("a/2"), Key("1")))).Success);
        Assert.False((await group.Admin.@get(new GetRequest(Key("a/1")))).Found);
    }

    [Fact]
    public async Task SetKey_that_waits_while_somebody_else_logs_in_on_its_connection_is_of_whom_it_was()
    {
        await using Group group = await Group.StartAsync();
        using RawClient ada = await LoginRawAsync(group);
        group.HoldBack();
        ada.Send(RawClient.Message("setKey", 1, new SetRequest(Key("a/1"), Key("new"))));
        await group.WaitInFlightAsync(1);

        ada.Send(RawClient.Message(
            "authenticate", 2, new AuthenticateRequest { User = "admin", Password = ServiceHost.AdminPassword }));
        await ConnectionTests.Eventually(() => group.Host.Servers[group.Behind].Lines.All.Any(
            line => line.Contains("admin logged in by Password", StringComparison.Ordinal)));
        group.LetGo();

        Assert.Equal(ErrorCode.PERMISSION_DENIED, (await AnswerAsync(ada)).Code);
        Assert.StartsWith("Warning: Refused a write of ada ", Assert.Single(group.Refusals), StringComparison.Ordinal);
    }

    /// <summary>
    /// What a local read behind a call that waits is allowed when it comes, and no longer when it is answered, may be
    /// allowed again by what this replica has not applied.
    /// </summary>
    [Fact]
    public async Task Get_local_whose_right_is_taken_while_it_waits_in_its_connection_is_neither_answered_nor_denied()
    {
        await using Group group = await Group.StartAsync();
        await group.GrantAsync(KvRights.Read, "a/");
        using RawClient ada = await LoginRawAsync(group);
        group.HoldBack();
        ChangeAccessRequest revoke = Grant("ada", KvRights.Read, "default", "a/");
        revoke.Kind = AccessChangeKind.REVOKE_FROM_USER;
        Assert.True((await group.Admin.changeAccess(revoke)).Success);

        ada.Send(RawClient.Message("setKey", 1, new SetRequest(Key("a/1"), Key("new"))));
        ada.Send(RawClient.Message("get", 2, Local));
        await group.WaitInFlightAsync(2);
        group.LetGo();

        Assert.Equal(ErrorCode.PERMISSION_DENIED, (await AnswerAsync(ada)).Code);
        var read = new TransactionalKV.InternalStructs.get_result();
        Assert.Equal(2, await ada.ReceiveAsync(read));
        Assert.Equal(ErrorCode.TIMEOUT, read.Success!.Code);
        Assert.Contains("rights changed while the call waited", read.Success.Error, StringComparison.Ordinal);
        ada.Send(RawClient.Message("get", 3, Local));
        await ada.ReceiveAsync(read);
        Assert.Equal(ErrorCode.PERMISSION_DENIED, read.Success!.Code);
    }

    private static async Task<SetResponse> AnswerAsync(RawClient client)
    {
        var result = new TransactionalKV.InternalStructs.setKey_result();
        await client.ReceiveAsync(result);
        return result.Success!;
    }

    private static async Task<RawClient> LoginRawAsync(Group group)
    {
        await group.WaitAppliedAsync();
        var client = RawClient.Connect(group.Host.Servers[group.Behind].Port);
        client.Send(RawClient.Message(
            "authenticate", 0, new AuthenticateRequest { User = "ada", Password = Password }));
        var login = new TransactionalKV.InternalStructs.authenticate_result();
        await client.ReceiveAsync(login);
        Assert.True(login.Success!.Success, login.Success.Error);
        return client;
    }

    /// <summary>As if a handshake had found the user's certificate good.</summary>
    private sealed class ByCertificate(KvDispatcher dispatcher, string user) : IRpcDispatcher
    {
        private readonly Principal _principal = Principal.ByCertificate(user);

        public IPendingCall Dispatch(in RequestMessage message)
        {
            message.Caller!.Principal = _principal;
            return dispatcher.Dispatch(in message);
        }

        public IPendingCall Refuse(in RequestMessage message, ErrorCode code, string reason) =>
            dispatcher.Refuse(in message, code, reason);

        public void RefuseNewCalls()
        {
            // The node goes on.
        }
    }

    /// <summary>Three replicas, of which one can be held back, with the user ada and two hundred keys.</summary>
    private sealed class Group : IAsyncDisposable
    {
        public required ServiceHost Host { get; init; }

        public required TransactionalKV.Client Admin { get; init; }

        public required int Leader { get; init; }

        public int Behind => (Leader + 1) % 3;

        public int Other => (Leader + 2) % 3;

        /// <summary>The audit trail's lines of them, of the replica that is held back.</summary>
        public IEnumerable<string> Refusals => Host.Servers[Behind].Lines.All
            .Where(line => line.StartsWith("Warning: Refused ", StringComparison.Ordinal));

        public static async Task<Group> StartAsync(TimeSpan? readIndexTimeout = null)
        {
            RpcOptions options = readIndexTimeout is { } timeout
                ? Required with { Access = Required.Access with { ReadIndexTimeout = timeout } }
                : Required;
            ServiceHost host = await ServiceHost.StartAsync(3, options, new RoutingOptions { ForwardWrites = true });
            int leader = host.Leader;
            var group = new Group { Host = host, Admin = await AdminAsync(host, leader), Leader = leader };
            Assert.True((await group.Admin.changeAccess(Add("ada", Password))).Success);
            AtomicCommitResponse filled = await group.Admin.atomicCommit(new AtomicCommitRequest(
                0, [.. Enumerable.Range(0, 200).Select(key => Operation("set", $"many/{key}", "1"))], []));
            Assert.True(filled.Success, filled.Error);
            return group;
        }

        public void HoldBack() => Host.Network.Cut(Leader, Behind);

        public void LetGo() => Host.Network.HealAll();

        /// <summary>Through the leader, whether or not the other replica hears of it.</summary>
        public async Task GrantAsync(KvRights rights, string prefix)
        {
            ChangeAccessResponse answer = await Admin.changeAccess(
                Grant("ada", rights, prefix.Length == 0 ? "*" : "default", prefix));
            Assert.True(answer.Success, answer.Error);
        }

        /// <summary>Connections of ada to the replica that is to be held back, which has applied everything.</summary>
        public async Task<List<TransactionalKV.Client>> LoginsAsync(int count)
        {
            await WaitAppliedAsync();
            var clients = new List<TransactionalKV.Client>();
            for (int client = 0; client < count; client++)
            {
                clients.Add(await LoginAsync(Host, "ada", Password, Behind));
            }

            return clients;
        }

        public Task WaitAppliedAsync() => ConnectionTests.Eventually(
            () => Host.Servers[Behind].Reader.AppliedSlot >= Host.Servers[Leader].Reader.AppliedSlot);

        public Task WaitInFlightAsync(int calls) =>
            ConnectionTests.Eventually(() => Host.Servers[Behind].Budget.Calls == calls);

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
