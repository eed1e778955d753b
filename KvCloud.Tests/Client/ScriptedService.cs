using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Tests.Client;

/// <summary>The calls of a scripted node: a small but honest store behind the contract, for one call.</summary>
internal sealed class ScriptedService(ScriptedNode node) : TransactionalKV.IAsync
{
    private readonly ScriptedStore _store = node.Cluster.Store;

    public bool IsDropped { get; private set; }

    public bool IsSilenced { get; private set; }

    public Task<GetResponse> get(GetRequest? request, CancellationToken cancellationToken = default)
    {
        bool leaderOnly = request!.__isset.consistency && request.Consistency == ReadConsistency.LEADER;
        return RunAsync("get", request, leaderOnly, Refuse, () => Read(request.Key, long.MaxValue));

        GetResponse Refuse(ErrorCode code, string text, string? leader) =>
            With(new GetResponse([], false) { Error = text, Code = code }, answer => answer.LeaderEndpoint = leader!,
                leader);

        GetResponse Read(byte[] key, long at)
        {
            (byte[]? value, long version) = _store.Get(key, at);
            return new GetResponse(value ?? [], value is not null) { Code = ErrorCode.OK, Version = version };
        }
    }

    public Task<SnapshotGetResponse> snapshotGet(
        SnapshotGetRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("snapshotGet", request!, false, Refuse, Run);

        SnapshotGetResponse Refuse(ErrorCode code, string text, string? leader) =>
            With(new SnapshotGetResponse([], false) { Error = text, Code = code },
                answer => answer.LeaderEndpoint = leader!, leader);

        SnapshotGetResponse Run()
        {
            (byte[]? value, long version) = _store.Get(request!.Key, request.ReadVersion);
            return new SnapshotGetResponse(value ?? [], value is not null) { Code = ErrorCode.OK, Version = version };
        }
    }

    public Task<SetResponse> setKey(SetRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("setKey", request!, true, Refuse, Run);

        SetResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new SetResponse(false) { Error = text, ErrorCode = code.ToString(), Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        SetResponse Run() =>
            _store.Once(
                request!.__isset.client_id ? request.ClientId : null,
                request.Sequence,
                () => new SetResponse(true) { Version = _store.Write([(request.Key, request.Value)]) })
            ?? Refuse(ErrorCode.SESSION_EXPIRED, "the session is unknown", null);
    }

    public Task<DeleteResponse> deleteKey(DeleteRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("deleteKey", request!, true, Refuse, Run);

        DeleteResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new DeleteResponse(false) { Error = text, ErrorCode = code.ToString(), Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        DeleteResponse Run() =>
            _store.Once(
                request!.__isset.client_id ? request.ClientId : null,
                request.Sequence,
                () => new DeleteResponse(true) { Version = _store.Write([(request.Key, null)]) })
            ?? Refuse(ErrorCode.SESSION_EXPIRED, "the session is unknown", null);
    }

    public Task<AtomicCommitResponse> atomicCommit(
        AtomicCommitRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("atomicCommit", request!, true, Refuse, Run);

        AtomicCommitResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new AtomicCommitResponse(false) { Error = text, ErrorCode = code.ToString(), Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        AtomicCommitResponse Run() =>
            _store.Once(
                request!.__isset.client_id ? request.ClientId : null,
                request.Sequence,
                () => Commit(request) ?? Refuse(ErrorCode.CONFLICT, "written since", null))
            ?? Refuse(ErrorCode.SESSION_EXPIRED, "the session is unknown", null);
    }

    public Task<GetRangeResponse> getRange(GetRangeRequest? request, CancellationToken cancellationToken = default)
    {
        bool leaderOnly = request!.__isset.consistency && request.Consistency == ReadConsistency.LEADER;
        return RunAsync("getRange", request, leaderOnly, Refuse, Run);

        GetRangeResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new GetRangeResponse([], false, false) { Error = text, Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        GetRangeResponse Run()
        {
            long version = _store.Version;
            byte[]? end = request.ToEndOfKeyspace ? null : request.EndKey ?? [0xff];
            (List<KeyValue> rows, bool hasMore) = _store.Range(
                request.BeginKey ?? [], request.BeginOrEqual, end, request.Limit, request.LimitBytes, version);
            return new GetRangeResponse(rows, true, hasMore) { Code = ErrorCode.OK, Version = version };
        }
    }

    public Task<SnapshotGetRangeResponse> snapshotGetRange(
        SnapshotGetRangeRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("snapshotGetRange", request!, false, Refuse, Run);

        SnapshotGetRangeResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new SnapshotGetRangeResponse([], false, false) { Error = text, Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        SnapshotGetRangeResponse Run()
        {
            byte[]? end = request!.ToEndOfKeyspace ? null : request.EndKey ?? [0xff];
            (List<KeyValue> rows, bool hasMore) = _store.Range(
                request.BeginKey ?? [], request.BeginOrEqual, end, request.Limit, request.LimitBytes,
                request.ReadVersion);
            return new SnapshotGetRangeResponse(rows, true, hasMore)
            {
                Code = ErrorCode.OK,
                Version = request.ReadVersion
            };
        }
    }

    public Task<GetReadVersionResponse> getReadVersion(
        GetReadVersionRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "getReadVersion",
            request!,
            false,
            (code, text, leader) => new GetReadVersionResponse(0, false) { Error = text, Code = code },
            () => new GetReadVersionResponse(_store.Version, true) { Code = ErrorCode.OK });

    public Task<OpenSessionResponse> openSession(
        OpenSessionRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "openSession",
            request!,
            true,
            (code, text, leader) => With(
                new OpenSessionResponse(false, 0) { Error = text, Code = code },
                answer => answer.LeaderEndpoint = leader!,
                leader),
            () => new OpenSessionResponse(true, _store.OpenSession()) { Code = ErrorCode.OK });

    public Task<PingResponse> ping(PingRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync("ping", request!, false, (_, _, _) => Pong(), Pong);

    public Task<GetClusterHealthResponse> getClusterHealth(
        GetClusterHealthRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "getClusterHealth",
            request!,
            false,
            (code, text, _) => new GetClusterHealthResponse(false) { Error = text, Code = code },
            () => new GetClusterHealthResponse(true) { ClusterHealth = Health() });

    public Task<GetDatabaseStatsResponse> getDatabaseStats(
        GetDatabaseStatsRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "getDatabaseStats",
            request!,
            false,
            (code, text, _) => new GetDatabaseStatsResponse(false) { Error = text, Code = code },
            () => new GetDatabaseStatsResponse(true)
            {
                DatabaseStats =
                    new DatabaseStats(7, 700, _store.Executions, 3, 0.5, 0, 0, 0) { AppliedVersion = _store.Version },
            });

    public Task<ColumnFamilyResponse> createColumnFamily(
        ColumnFamilyRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync("createColumnFamily", request!, true, RefuseFamily, () => Create(request!.Name));

    public Task<ColumnFamilyResponse> dropColumnFamily(
        ColumnFamilyRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync("dropColumnFamily", request!, true, RefuseFamily, () => Drop(request!.Name));

    public Task<ListColumnFamiliesResponse> listColumnFamilies(
        ListColumnFamiliesRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "listColumnFamilies",
            request!,
            false,
            (code, text, _) => new ListColumnFamiliesResponse(false, []) { Error = text, Code = code },
            () => new ListColumnFamiliesResponse(true, ["default", .. node.Cluster.Families]) { Code = ErrorCode.OK });

    public Task<ChangeMembersResponse> changeMembers(
        ChangeMembersRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "changeMembers",
            request!,
            true,
            (code, text, leader) => new ChangeMembersResponse(false)
            {
                Error = text,
                Code = code,
                LeaderEndpoint = leader,
            },
            () => new ChangeMembersResponse(true) { Code = ErrorCode.OK });

    public Task<OpenSnapshotResponse> openSnapshot(
        OpenSnapshotRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("openSnapshot: real replicas are asked for it in tests.");

    public Task<ReadSnapshotResponse> readSnapshot(
        ReadSnapshotRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("readSnapshot: real replicas are asked for it in tests.");

    public Task<ReadLogResponse> readLog(
        ReadLogRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("readLog: real replicas are asked for it in tests.");

    public Task<AuthenticateResponse> authenticate(
        AuthenticateRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("authenticate: real replicas are asked for it in tests.");

    public Task<ChangeAccessResponse> changeAccess(
        ChangeAccessRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("changeAccess: real replicas are asked for it in tests.");

    public Task<ListAccessResponse> listAccess(
        ListAccessRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("listAccess: real replicas are asked for it in tests.");

    public Task<FaultInjectionResponse> setFaultInjection(
        FaultInjectionRequest? request, CancellationToken cancellationToken = default) =>
        RunAsync(
            "setFaultInjection",
            request!,
            false,
            (code, text, _) => new FaultInjectionResponse(false) { Error = text, Code = code },
            () => new FaultInjectionResponse(false) { Error = "not allowed here", Code = ErrorCode.NOT_SUPPORTED });

    public Task<SnapshotReadResponse> snapshotRead(
        SnapshotReadRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("snapshotRead: the client is not expected to call this.");

    public Task<AddReadConflictResponse> addReadConflict(
        AddReadConflictRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("addReadConflict: the client is not expected to call this.");

    public Task<AddReadConflictRangeResponse> addReadConflictRange(
        AddReadConflictRangeRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("addReadConflictRange: the client is not expected to call this.");

    public Task<SetReadVersionResponse> setReadVersion(
        SetReadVersionRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("setReadVersion: the client is not expected to call this.");

    public Task<GetCommittedVersionResponse> getCommittedVersion(
        GetCommittedVersionRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("getCommittedVersion: the client is not expected to call this.");

    public Task<GetNodeInfoResponse> getNodeInfo(
        GetNodeInfoRequest? request, CancellationToken cancellationToken = default) =>
        throw new InvalidOperationException("getNodeInfo: the client is not expected to call this.");

    public Task<SetVersionstampedKeyResponse> setVersionstampedKey(
        SetVersionstampedKeyRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("setVersionstampedKey", request!, true, Refuse, Run);

        SetVersionstampedKeyResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new SetVersionstampedKeyResponse([], false) { Error = text, Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        SetVersionstampedKeyResponse Run()
        {
            byte[] stamped = Stamp(request!.KeyPrefix, _store.Version + 1, 0);
            long version = _store.Write([(stamped, request!.Value)]);
            return new SetVersionstampedKeyResponse(stamped, true) { Code = ErrorCode.OK, Version = version };
        }
    }

    public Task<SetVersionstampedValueResponse> setVersionstampedValue(
        SetVersionstampedValueRequest? request, CancellationToken cancellationToken = default)
    {
        return RunAsync("setVersionstampedValue", request!, true, Refuse, Run);

        SetVersionstampedValueResponse Refuse(ErrorCode code, string text, string? leader) => With(
            new SetVersionstampedValueResponse([], false) { Error = text, Code = code },
            answer => answer.LeaderEndpoint = leader!,
            leader);

        SetVersionstampedValueResponse Run()
        {
            byte[] stamped = Stamp(request!.ValuePrefix, _store.Version + 1, 0);
            long version = _store.Write([(request!.Key, stamped)]);
            return new SetVersionstampedValueResponse(stamped, true) { Code = ErrorCode.OK, Version = version };
        }
    }

    private static T With<T>(T answer, Action<T> setLeader, string? leader)
    {
        if (leader is not null)
        {
            setLeader(answer);
        }

        return answer;
    }

    private static byte[] Stamp(byte[] buffer, long version, ushort order)
    {
        byte[] stamped = [.. buffer];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(stamped.AsSpan(stamped.Length - 10), version);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(stamped.AsSpan(stamped.Length - 2), order);
        return stamped;
    }

    private static ColumnFamilyResponse RefuseFamily(ErrorCode code, string text, string? leader) => With(
        new ColumnFamilyResponse(false) { Error = text, Code = code }, answer =>
            answer.LeaderEndpoint = leader!, leader);

    private static PingResponse Pong() => new([], 0, 1_000_000);

    private ColumnFamilyResponse Create(string name) => node.Cluster.Families.Add(name)
        ? new ColumnFamilyResponse(true) { Code = ErrorCode.OK }
        : RefuseFamily(ErrorCode.COLUMN_FAMILY_EXISTS, $"column family '{name}' exists", null);

    private ColumnFamilyResponse Drop(string name) => node.Cluster.Families.Remove(name)
        ? new ColumnFamilyResponse(true) { Code = ErrorCode.OK }
        : RefuseFamily(ErrorCode.COLUMN_FAMILY_NOT_FOUND, $"Column family '{name}' not found", null);

    private AtomicCommitResponse? Commit(AtomicCommitRequest request)
    {
        long read = request.ReadVersion;
        bool conflict = (request.ReadConflictKeys ?? []).Any(key => _store.WrittenSince(key, read))
            || (request.ReadConflicts ?? []).Any(entry => _store.WrittenSince(entry.Key, read))
            || (request.ReadConflictRanges ?? []).Any(range => _store.WrittenSince(range.BeginKey, range.EndKey, read));
        if (conflict)
        {
            return null;
        }

        var writes = new List<(byte[] Key, byte[]? Value)>();
        var generated = new List<byte[]>();
        ushort order = 0;
        foreach (Operation operation in request.Operations ?? [])
        {
            switch (operation.Type)
            {
                case "set":
                    writes.Add((operation.Key, operation.Value));
                    break;
                case "delete":
                    writes.Add((operation.Key, null));
                    break;
                case "SET_VERSIONSTAMPED_KEY":
                    generated.Add(Stamp(operation.Key, _store.Version + 1, order));
                    writes.Add((generated[^1], operation.Value));
                    break;
                default:
                    generated.Add(Stamp(operation.Value ?? [], _store.Version + 1, order));
                    writes.Add((operation.Key, generated[^1]));
                    break;
            }

            order++;
        }

        return new AtomicCommitResponse(true) { CommittedVersion = _store.Write(writes), Generated = generated };
    }

    private ClusterHealth Health()
    {
        ScriptedNode? leader = node.Cluster.Leader;
        List<NodeStatus> nodes =
        [
            .. node.Cluster.Nodes.Select(member =>
                new NodeStatus(member.Id, member.Endpoint, "healthy", member == leader, 1_700_000_000_000, 5)
                {
                    Role = member == leader ? "leader" : "follower",
                    AppliedSlot = _store.Version,
                    LagSlots = 0,
                    UptimeSeconds = 61,
                }),
        ];
        var health = new ClusterHealth(nodes, nodes.Count, nodes.Count, "healthy", 5) { AnsweredBy = node.Id };
        if (leader is not null)
        {
            health.Leader = nodes[leader.Id];
        }

        return health;
    }

    private async Task<TResponse> RunAsync<TResponse>(
        string method,
        TBase request,
        bool leaderOnly,
        Func<ErrorCode, string, string?, TResponse> refuse,
        Func<TResponse> run)
    {
        ScriptedAct? act = await node.ConsultAsync(method, request);
        TResponse? answer = default;
        if (act is { RunFirst: true })
        {
            answer = run();
        }

        if (act is { Drop: true })
        {
            IsDropped = true;
        }

        if (act is { Silence: true })
        {
            IsSilenced = true;
        }

        if (act is { Refuse: { } code })
        {
            return refuse(code, $"{code} by script", act.LeaderEndpoint);
        }

        if (IsDropped || IsSilenced)
        {
            return answer ?? refuse(ErrorCode.INTERNAL, "nobody reads this", null);
        }

        ScriptedNode? leader = node.Cluster.Leader;
        if (leaderOnly && leader is null)
        {
            return refuse(ErrorCode.NO_LEADER, "No leader", null);
        }

        return leaderOnly && leader != node
            ? refuse(ErrorCode.NOT_LEADER, $"Not leader: the leader is {leader!.Endpoint}", leader.Endpoint)
            : answer ?? run();
    }
}
