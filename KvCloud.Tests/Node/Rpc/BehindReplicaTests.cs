using KvCloud.Client;
using KvCloud.Node.Access;
using KvCloud.Node.Rpc;
using KvCloud.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>A replica that follows and knows what is chosen, but does not get to apply it.</summary>
public sealed class BehindReplicaTests
{
    private const int LongMs = 60_000;
    private const string Password = "ada's password";

    [Fact]
    public async Task Get_at_read_index_of_a_replica_far_behind_is_sent_elsewhere_and_not_kept_until_its_deadline()
    {
        using var hold = new Hold();
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        await using KvCloudClient writer = Client(host);
        int behind = (host.Leader + 1) % 3;
        TransactionalKV.Client client = host.Client(behind);
        try
        {
            await hold.KeepAsync(host, behind, writer);

            // More slots than are far behind, each with a write of its own.
            for (int i = 0; i < 300; i++)
            {
                await writer.SetAsync(Key("k"), Key("v"));
            }

            GetResponse refused = await client.get(Get());
            GetReadVersionResponse version = await client.getReadVersion(new GetReadVersionRequest());

            Assert.Equal((ErrorCode.TOO_STALE, false), (refused.Code, refused.Found));
            Assert.StartsWith("this replica is behind: it has applied slot", refused.Error, StringComparison.Ordinal);
            Assert.Equal(ErrorCode.TOO_STALE, version.Code);
            Assert.Equal(Key("v"), await writer.GetAsync(Key("k")));
        }
        finally
        {
            await hold.ReleaseAsync();
        }

        await ConnectionTests.Eventually(() => client.get(Get()).GetAwaiter().GetResult().Code == ErrorCode.OK);
    }

    /// <summary>Reads of this level can be sent nowhere else.</summary>
    [Fact]
    public async Task Get_at_leader_level_of_a_leader_that_is_behind_is_not_sent_elsewhere()
    {
        using var hold = new Hold();
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        await using KvCloudClient writer = Client(host);
        int leader = host.Leader;
        try
        {
            await hold.KeepAsync(host, leader, writer);

            Task<GetResponse> get = host.Client(leader).get(Get(ReadConsistency.LEADER));

            // Several times as long as it takes a follower to refuse.
            await Task.WhenAny(get, Task.Delay(TimeSpan.FromSeconds(2)));
            await hold.ReleaseAsync();
            Assert.NotEqual(ErrorCode.TOO_STALE, (await get).Code);
        }
        finally
        {
            await hold.ReleaseAsync();
        }
    }

    /// <summary>A login belongs to a connection, and so to this replica.</summary>
    [Fact]
    public async Task Authenticate_on_a_replica_far_behind_waits_for_it_and_a_client_asks_another_replica_meanwhile()
    {
        using var hold = new Hold();
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3, new RpcOptions
        {
            Access = new AccessOptions
            {
                Authorization = AuthorizationMode.Required,
                PasswordIterations = 1_000,
                ReadIndexTimeout = TimeSpan.FromMilliseconds(LongMs),
            },
        });
        TransactionalKV.Client anyone = host.Client();
        await ConnectionTests.Eventually(() => anyone
            .authenticate(new AuthenticateRequest { User = "admin", Password = ServiceHost.AdminPassword })
            .GetAwaiter().GetResult().Success);
        await using KvCloudClient admin = Client(host, "admin", ServiceHost.AdminPassword);
        int behind = (host.Leader + 1) % 3;
        Task<AuthenticateResponse> login;
        try
        {
            await hold.KeepAsync(host, behind, admin);
            await admin.ChangeAccessAsync(
                new KvAccessChange { Kind = AccessChangeKind.ADD_USER, Name = "ada", Password = Password });
            login = host.Client(behind).authenticate(new AuthenticateRequest { User = "ada", Password = Password });
            await using KvCloudClient ada = Client(host, "ada", Password);

            // She has no rights yet, which only a replica says that knows her.
            for (int i = 0; i < 20; i++)
            {
                KvCloudException denied = await Assert.ThrowsAsync<KvCloudException>(
                    async () => await ada.GetAsync(Key("k")));
                Assert.Equal(ErrorCode.PERMISSION_DENIED, denied.ErrorCode);
            }

            // Calls behind a login without an answer would wait as well, so such a connection is not used.
            KvCloudException unreachable = await Assert.ThrowsAsync<KvCloudException>(async () => await ada.GetAsync(
                Key("k"),
                new KvReadOptions
                {
                    Endpoint = $"127.0.0.1:{host.Servers[behind].Port}",
                    Timeout = TimeSpan.FromSeconds(5),
                }));
            Assert.Contains("the login failed: no answer within", unreachable.Message, StringComparison.Ordinal);
            Assert.False(login.IsCompleted);
        }
        finally
        {
            await hold.ReleaseAsync();
        }

        Assert.True((await login).Success, (await login).Error);
    }

    private static KvCloudClient Client(ServiceHost host, string? user = null, string? password = null) =>
        new(new KvCloudClientSettings
        {
            ConnectionString = string.Join(',', host.Servers.Select(server => $"127.0.0.1:{server.Port}")),
            User = user,
            Password = password,
        });

    private static GetRequest Get(ReadConsistency consistency = ReadConsistency.READ_INDEX) =>
        new(Key("k")) { Consistency = consistency, TimeoutMs = LongMs };

    /// <summary>Keeps one replica's apply worker from going on.</summary>
    private sealed class Hold : IDisposable
    {
        private readonly ManualResetEventSlim _released = new();
        private readonly ManualResetEventSlim _isHeld = new();
        private Task _writing = Task.CompletedTask;

        /// <summary>Completes when the replica applies nothing any more.</summary>
        public async Task KeepAsync(ServiceHost host, int replica, KvCloudClient writer)
        {
            host.Applying = index =>
            {
                // A write that comes alone is applied by the thread of the leader's step, which must go on.
                if (index == replica && Thread.CurrentThread.Name == "kv-apply")
                {
                    _isHeld.Set();
                    _released.Wait(LongMs);
                }
            };
            _writing = Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
            {
                while (!_isHeld.IsSet)
                {
                    await writer.SetAsync(Key($"{i}"), Key("v"));
                }
            }));
            await ConnectionTests.Eventually(() => _isHeld.IsSet);
        }

        public async Task ReleaseAsync()
        {
            _released.Set();
            await _writing;
        }

        public void Dispose()
        {
            _released.Dispose();
            _isHeld.Dispose();
        }
    }
}
