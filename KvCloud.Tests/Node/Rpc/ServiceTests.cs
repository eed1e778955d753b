using System.Text;
using KvCloud.Node.Rpc;
using KvCloud.Protocol;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>Every method of the contract, through Apache's client, on a real replica.</summary>
public sealed class ServiceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SetKey_get_and_delete_follow_the_contract(bool isFramed)
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client(isFramed: isFramed);

        GetResponse missing = await client.@get(new GetRequest(Key("a")));
        Assert.False(missing.Found);
        Assert.Empty(missing.Value);
        Assert.False(missing.__isset.error);

        SetResponse set = await client.setKey(new SetRequest(Key("a"), Key("1")));
        Assert.True(set.Success, set.Error);
        Assert.True(set.Version > 0);

        GetResponse found = await client.@get(new GetRequest(Key("a")));
        Assert.True(found.Found);
        Assert.Equal("1", Text(found.Value));
        Assert.Equal(set.Version, found.Version);

        SetResponse emptyValue = await client.setKey(new SetRequest(Key("b"), []));
        Assert.True(emptyValue.Success);
        GetResponse empty = await client.@get(new GetRequest(Key("b")));
        Assert.True(empty.Found);
        Assert.Empty(empty.Value);

        DeleteResponse delete = await client.deleteKey(new DeleteRequest(Key("a")));
        Assert.True(delete.Success, delete.Error);
        Assert.True(delete.Version > set.Version);
        Assert.False((await client.@get(new GetRequest(Key("a")))).Found);
    }

    [Fact]
    public async Task Get_of_an_empty_key_or_unknown_column_family_has_the_contracts_texts()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        GetResponse get = await client.@get(new GetRequest([]));
        Assert.False(get.Found);
        Assert.Equal("key cannot be empty", get.Error);
        Assert.Equal(ErrorCode.INVALID_ARGUMENT, get.Code);
        SnapshotReadResponse snapshot = await client.snapshotRead(new SnapshotReadRequest([], 0));
        Assert.Equal((false, "key cannot be empty"), (snapshot.Found, snapshot.Error));
        SetResponse set = await client.setKey(new SetRequest([], Key("1")));
        Assert.Equal((false, "key cannot be empty", "INVALID_ARGUMENT"), (set.Success, set.Error, set.ErrorCode));
        DeleteResponse delete = await client.deleteKey(new DeleteRequest([]));
        Assert.Equal((false, "key cannot be empty"), (delete.Success, delete.Error));

        GetResponse cfGet = await client.@get(new GetRequest(Key("a")) { ColumnFamily = "nope" });
        Assert.Equal("Column family 'nope' not found", cfGet.Error);
        Assert.Equal(ErrorCode.COLUMN_FAMILY_NOT_FOUND, cfGet.Code);
        SetResponse cfSet = await client.setKey(new SetRequest(Key("a"), Key("1")) { ColumnFamily = "nope" });
        Assert.Equal(("Column family 'nope' not found", "COLUMN_FAMILY_NOT_FOUND"), (cfSet.Error, cfSet.ErrorCode));
        GetRangeResponse cfRange = await client.getRange(new GetRangeRequest { ColumnFamily = "nope" });
        Assert.Equal((false, "Column family 'nope' not found"), (cfRange.Success, cfRange.Error));
    }

    [Fact]
    public async Task RequestRules_of_bad_arguments_name_them()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        GetResponse level = await client.@get(new GetRequest(Key("a")) { Consistency = (ReadConsistency)9 });
        Assert.Contains("consistency", level.Error, StringComparison.Ordinal);
        GetResponse staleness = await client.@get(new GetRequest(Key("a")) { MaxStalenessMs = -1 });
        Assert.Contains("max_staleness_ms", staleness.Error, StringComparison.Ordinal);
        SetResponse timeout = await client.setKey(new SetRequest(Key("a"), Key("1")) { TimeoutMs = 0 });
        Assert.Contains("timeout", timeout.Error, StringComparison.Ordinal);
        SetResponse half = await client.setKey(new SetRequest(Key("a"), Key("1")) { ClientId = 3 });
        Assert.Contains("sequence is missing", half.Error, StringComparison.Ordinal);
        GetRangeResponse limit = await client.getRange(new GetRangeRequest { Limit = -1 });
        Assert.Contains("limit", limit.Error, StringComparison.Ordinal);
        SetResponse large = await client.setKey(new SetRequest(Key("a"), new byte[(1024 * 1024) + 1]));
        Assert.Equal("VALUE_TOO_LARGE", large.ErrorCode);
        GetResponse longKey = await client.@get(new GetRequest(new byte[20_000]));
        Assert.Equal(ErrorCode.KEY_TOO_LARGE, longKey.Code);
    }

    [Fact]
    public async Task GetRange_without_options_has_the_contracts_defaults()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        foreach (string key in (string[])["a", "b", "c", "d"])
        {
            await client.setKey(new SetRequest(Key(key), Key("v" + key)));
        }

        await client.setKey(new SetRequest([0xff, 1], Key("beyond FF")));

        GetRangeResponse all = await client.getRange(new GetRangeRequest());
        Assert.True(all.Success, all.Error);
        Assert.Equal("abcd", Keys(all.KeyValues));
        Assert.False(all.HasMore);
        Assert.Equal("va", Text(all.KeyValues![0].Value));

        GetRangeResponse toEnd = await client.getRange(new GetRangeRequest { ToEndOfKeyspace = true });
        Assert.Equal(5, toEnd.KeyValues!.Count);
        GetRangeResponse two = await client.getRange(new GetRangeRequest { Limit = 2 });
        Assert.Equal(("ab", true), (Keys(two.KeyValues), two.HasMore));
        GetRangeResponse exclusive = await client.getRange(
            new GetRangeRequest { BeginKey = Key("a"), BeginOrEqual = false, EndKey = Key("c"), EndOrEqual = true });
        Assert.Equal("bc", Keys(exclusive.KeyValues));
        GetRangeResponse bytes = await client.getRange(new GetRangeRequest { LimitBytes = 1 });
        Assert.Equal(("a", true), (Keys(bytes.KeyValues), bytes.HasMore));
    }

    [Fact]
    public async Task SnapshotRead_at_a_version_sees_that_version()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        await client.setKey(new SetRequest(Key("a"), Key("old")));
        GetReadVersionResponse version = await client.getReadVersion(new GetReadVersionRequest());
        Assert.True(version.Success, version.Error);
        await client.setKey(new SetRequest(Key("a"), Key("new")));
        await client.setKey(new SetRequest(Key("b"), Key("new")));

        Assert.Equal(
            "old", Text((await client.snapshotRead(new SnapshotReadRequest(Key("a"), version.ReadVersion))).Value));
        Assert.Equal(
            "old", Text((await client.snapshotGet(new SnapshotGetRequest(Key("a"), version.ReadVersion))).Value));
        Assert.False((await client.snapshotGet(new SnapshotGetRequest(Key("b"), version.ReadVersion))).Found);
        SnapshotGetRangeResponse range = await client.snapshotGetRange(
            new SnapshotGetRangeRequest(version.ReadVersion));
        Assert.Equal("a", Keys(range.KeyValues));
        Assert.Equal(version.ReadVersion, range.Version);

        SnapshotReadResponse future = await client.snapshotRead(
            new SnapshotReadRequest(Key("a"), version.ReadVersion + 1_000) { TimeoutMs = 2_000 });
        Assert.Equal(ErrorCode.VERSION_IN_FUTURE, future.Code);
        SnapshotReadResponse negative = await client.snapshotRead(new SnapshotReadRequest(Key("a"), -1));
        Assert.Contains("read_version", negative.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AtomicCommit_without_operations_at_a_version_that_nobody_issued_is_refused()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        AtomicCommitResponse commit = await client.atomicCommit(new AtomicCommitRequest(1_000_000, [], []));

        Assert.False(commit.Success);
        Assert.Equal(ErrorCode.VERSION_IN_FUTURE, commit.Code);
    }

    [Fact]
    public async Task AtomicCommit_with_several_operations_is_all_or_nothing_and_finds_conflicts()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        await client.setKey(new SetRequest(Key("a"), Key("1")));
        long version = (await client.getReadVersion(new GetReadVersionRequest())).ReadVersion;

        AtomicCommitResponse commit = await client.atomicCommit(new AtomicCommitRequest(
            version, [Operation("set", "a", "2"), Operation("delete", "b", null)], [Key("a")]));
        Assert.True(commit.Success, commit.Error);
        Assert.True(commit.CommittedVersion > version);

        AtomicCommitResponse conflict = await client.atomicCommit(new AtomicCommitRequest(
            version, [Operation("set", "c", "3")], [Key("a")]));
        Assert.Equal((false, "CONFLICT", ErrorCode.CONFLICT), (conflict.Success, conflict.ErrorCode, conflict.Code));
        AtomicCommitResponse range = await client
            .atomicCommit(new AtomicCommitRequest(version, [Operation("set", "c", "3")], [])
            {
                ReadConflictRanges = [new ReadConflictRange(Key("a"))],
            });
        Assert.Equal("CONFLICT", range.ErrorCode);
        Assert.False((await client.@get(new GetRequest(Key("c")))).Found);

        AtomicCommitResponse readOnly = await client.atomicCommit(new AtomicCommitRequest(version, [], [Key("a")]));
        Assert.True(readOnly.Success, readOnly.Error);
        Assert.Equal(version, readOnly.CommittedVersion);
    }

    [Fact]
    public async Task AtomicCommit_with_an_operation_that_is_wrong_names_it()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        AtomicCommitResponse unknown = await client.atomicCommit(new AtomicCommitRequest(
            0, [Operation("set", "a", "1"), Operation("swap", "a", "1")], []));
        Assert.Equal("INVALID_OPERATION", unknown.ErrorCode);
        Assert.Contains("operation 1: unknown type 'swap'", unknown.Error, StringComparison.Ordinal);
        AtomicCommitResponse valueless = await client.atomicCommit(
            new AtomicCommitRequest(0, [Operation("set", "a", null)], []));
        Assert.Equal("INVALID_OPERATION", valueless.ErrorCode);
        AtomicCommitResponse shortStamp = await client.atomicCommit(new AtomicCommitRequest(
            0, [Operation("SET_VERSIONSTAMPED_KEY", "short", "1")], []));
        Assert.Equal("INVALID_OPERATION", shortStamp.ErrorCode);
        AtomicCommitResponse many = await client.atomicCommit(new AtomicCommitRequest(
            0, [.. Enumerable.Range(0, 10_001).Select(i => Operation("set", "k" + i, ""))], []));
        Assert.Equal("TOO_MANY_OPERATIONS", many.ErrorCode);
        Assert.False((await client.@get(new GetRequest(Key("a")))).Found);
    }

    [Fact]
    public async Task SetVersionstampedKey_and_value_carry_the_committed_version()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        SetVersionstampedKeyResponse key = await client.setVersionstampedKey(
            new SetVersionstampedKeyRequest(Key("log/0123456789"), Key("entry")));
        Assert.True(key.Success, key.Error);
        Assert.Equal("log/", Text(key.GeneratedKey[..4]));
        Assert.Equal(
            key.Version, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(key.GeneratedKey.AsSpan(4)));
        Assert.Equal("entry", Text((await client.@get(new GetRequest(key.GeneratedKey))).Value));

        SetVersionstampedValueResponse value = await client.setVersionstampedValue(
            new SetVersionstampedValueRequest(Key("k"), Key("0123456789")));
        Assert.True(value.Success, value.Error);
        Assert.Equal(value.GeneratedValue, (await client.@get(new GetRequest(Key("k")))).Value);
        SetVersionstampedValueResponse tooShort = await client.setVersionstampedValue(
            new SetVersionstampedValueRequest(Key("k"), Key("123")));
        Assert.Equal((false, ErrorCode.INVALID_OPERATION), (tooShort.Success, tooShort.Code));

        AtomicCommitResponse commit = await client.atomicCommit(new AtomicCommitRequest(
            0, [Operation("set", "x", "1"), Operation("SET_VERSIONSTAMPED_KEY", "y/0123456789", "2")], []));
        Assert.Equal(commit.CommittedVersion,
            System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(Assert.Single(commit.Generated!).AsSpan(2)));
    }

    [Fact]
    public async Task OpenSession_request_that_is_resent_in_it_runs_once()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        OpenSessionResponse session = await client.openSession(new OpenSessionRequest());
        Assert.True(session.Success, session.Error);
        var request = new SetVersionstampedKeyRequest(Key("q/0123456789"), Key("once"))
        {
            ClientId = session.ClientId,
            Sequence = 1,
        };

        SetVersionstampedKeyResponse first = await client.setVersionstampedKey(request);
        SetVersionstampedKeyResponse second = await client.setVersionstampedKey(request);

        Assert.True(first.Success, first.Error);
        Assert.Equal(first.GeneratedKey, second.GeneratedKey);
        Assert.Equal(first.Version, second.Version);
        Assert.Single((await client.getRange(new GetRangeRequest())).KeyValues!);
    }

    [Fact]
    public async Task CreateColumnFamily_list_and_drop_follow_the_contract()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        ColumnFamilyResponse created = await client.createColumnFamily(new ColumnFamilyRequest("users"));
        Assert.True(created.Success, created.Error);
        Assert.Equal(
            ErrorCode.COLUMN_FAMILY_EXISTS, (await client.createColumnFamily(new ColumnFamilyRequest("users"))).Code);
        ListColumnFamiliesResponse list = await client.listColumnFamilies(
            new ListColumnFamiliesRequest { Consistency = ReadConsistency.READ_INDEX });
        Assert.Equal(["default", "users"], list.Names!);
        await client.setKey(new SetRequest(Key("a"), Key("in users")) { ColumnFamily = "users" });
        Assert.False((await client.@get(new GetRequest(Key("a")))).Found);
        Assert.True((await client.@get(new GetRequest(Key("a")) { ColumnFamily = "users" })).Found);
        Assert.True((await client.dropColumnFamily(new ColumnFamilyRequest("users"))).Success);
        Assert.Equal(["default"], (await client.listColumnFamilies(new ListColumnFamiliesRequest())).Names!);
    }

    [Fact]
    public async Task ClientSideMethods_of_any_kind_say_that_they_are()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        AddReadConflictResponse conflict = await client.addReadConflict(new AddReadConflictRequest(Key("a")));
        AddReadConflictRangeResponse range = await client.addReadConflictRange(
            new AddReadConflictRangeRequest(Key("a"), Key("b")));
        SetReadVersionResponse version = await client.setReadVersion(new SetReadVersionRequest(1));
        GetCommittedVersionResponse committed = await client.getCommittedVersion(new GetCommittedVersionRequest());

        Assert.False(conflict.Success || range.Success || version.Success || committed.Success);
        Assert.All([conflict.Error, range.Error, version.Error, committed.Error],
            error => Assert.Contains("client-side", error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ping_with_a_text_echoes_it_and_tells_the_time()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();

        PingResponse answer = await host.Client().ping(new PingRequest { Message = Key("hello"), Timestamp = 42 });

        Assert.Equal("hello", Text(answer.Message));
        Assert.Equal(42, answer.Timestamp);
        long now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000;
        Assert.InRange(answer.ServerTimestamp, now - 60_000_000, now + 60_000_000);
    }

    [Fact]
    public async Task AdminMethods_of_a_node_in_use_tell_real_figures()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        await client.setKey(new SetRequest(Key("a"), Key("1")));
        await client.@get(new GetRequest(Key("a")));
        await client.atomicCommit(new AtomicCommitRequest(0, [Operation("nonsense", "a", "1")], []));

        ClusterHealth health = (await client.getClusterHealth(new GetClusterHealthRequest())).ClusterHealth!;
        Assert.Equal((1, 1, "healthy", 2L),
            (health.HealthyNodesCount, health.TotalNodesCount, health.ClusterStatus, health.CurrentTerm));
        Assert.Equal(0, health.Leader!.NodeId);
        NodeStatus node = Assert.Single(health.Nodes!);
        Assert.Equal(("healthy", true, 2L), (node.Status, node.IsLeader, node.LagSlots));

        GetNodeInfoResponse info = await client.getNodeInfo(new GetNodeInfoRequest());
        Assert.Equal(host.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            info.NodeInfo!.Endpoint.Split(':')[1]);
        GetNodeInfoResponse nobody = await client.getNodeInfo(new GetNodeInfoRequest { NodeId = 9 });
        Assert.Contains("node_id 9", nobody.Error, StringComparison.Ordinal);

        DatabaseStats stats =
            (await client.getDatabaseStats(new GetDatabaseStatsRequest { IncludeDetailedStats = true })).DatabaseStats!;
        Assert.Equal((1L, 2L, 1L, 0L, 0L, 1L), (stats.TotalKeys, stats.WriteOperationsCount, stats.ReadOperationsCount,
            stats.ActiveTransactions, stats.CommittedTransactions, stats.AbortedTransactions));
        Assert.True(stats.AverageResponseTimeMs > 0);
        Assert.NotNull(stats.Details);
    }

    [Fact]
    public async Task AdminMethods_where_a_token_is_configured_check_it()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(options: new RpcOptions { AdminToken = "secret" });
        TransactionalKV.Client client = host.Client();

        GetClusterHealthResponse none = await client.getClusterHealth(new GetClusterHealthRequest());
        Assert.Equal(
            (false, ErrorCode.UNAUTHENTICATED, "auth_token is missing"), (none.Success, none.Code, none.Error));
        GetDatabaseStatsResponse wrong = await client.getDatabaseStats(
            new GetDatabaseStatsRequest { AuthToken = "guess" });
        Assert.Equal((false, "auth_token is wrong"), (wrong.Success, wrong.Error));
        Assert.False((await client.getNodeInfo(new GetNodeInfoRequest())).Success);
        Assert.Equal(ErrorCode.UNAUTHENTICATED, (await client.createColumnFamily(new ColumnFamilyRequest("x"))).Code);
        Assert.True((await client.getClusterHealth(new GetClusterHealthRequest { AuthToken = "secret" })).Success);
        Assert.True((await client.createColumnFamily(new ColumnFamilyRequest("x") { AuthToken = "secret" })).Success);
    }

    internal static byte[] Key(string text) => Encoding.UTF8.GetBytes(text);

    internal static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    internal static Operation Operation(string type, string key, string? value)
    {
        var operation = new Operation(type, Key(key));
        if (value is not null)
        {
            operation.Value = Key(value);
        }

        return operation;
    }

    private static string Keys(List<KeyValue>? rows) => string.Concat(rows!.Select(row => Text(row.Key)));
}
