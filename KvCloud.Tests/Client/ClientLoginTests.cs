using KvCloud.Client;
using KvCloud.Node.Access;
using KvCloud.Node.Rpc;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Rpc;
using KvRights = KvCloud.Client.KvRights;
using RpcConnectionTests = KvCloud.Tests.Node.Rpc.ConnectionTests;

namespace KvCloud.Tests.Client;

/// <summary>The client against real replicas that ask who calls.</summary>
public sealed class ClientLoginTests
{
    private static readonly byte[] Key = [1];

    private static readonly RpcOptions Required = new()
    {
        Access = new AccessOptions { Authorization = AuthorizationMode.Required, PasswordIterations = 1_000 },
    };

    [Fact]
    public async Task KvCloudClient_with_a_password_logs_in_on_each_connection_to_every_replica()
    {
        await using ServiceHost host = await StartAsync(3);
        await using KvCloudClient client = Client(host, settings =>
        {
            settings.User = "admin";
            settings.Password = ServiceHost.AdminPassword;
            settings.MinConnectionsPerNode = 2;
        });

        await client.SetAsync(Key, Key);
        for (int replica = 0; replica < 3; replica++)
        {
            var here = new KvReadOptions { Endpoint = $"127.0.0.1:{host.Servers[replica].Port}" };
            for (int i = 0; i < 8; i++)
            {
                Assert.Equal(Key, await client.GetAsync(Key, here));
            }
        }
    }

    [Theory]
    [InlineData(null, "UNAUTHENTICATED: nobody has logged in on this connection")]
    [InlineData("a wrong password", "UNAUTHENTICATED: the login failed: user or password is wrong")]
    public async Task KvCloudClient_without_a_login_or_with_a_wrong_one_says_so(string? password, string expected)
    {
        await using ServiceHost host = await StartAsync();
        await using KvCloudClient client = Client(host, settings =>
        {
            settings.User = password is null ? null : "admin";
            settings.Password = password;
        });

        KvCloudException write = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetAsync(Key, Key));
        KvCloudException read = await Assert.ThrowsAsync<KvCloudException>(async () => await client.GetAsync(Key));

        Assert.StartsWith(expected, write.Message, StringComparison.Ordinal);
        Assert.StartsWith(expected, read.Message, StringComparison.Ordinal);
        Assert.True(write.OutcomeKnown);
        Assert.False(write.IsTransient);
    }

    /// <summary>A token that is taken away while connections are open: the next one is asked for by itself.</summary>
    [Fact]
    public async Task TokenProvider_is_asked_again_when_the_login_has_ended()
    {
        await using ServiceHost host = await StartAsync();
        await using KvCloudClient admin = Admin(host);
        string first = await NewTokenAsync(admin, "first");
        string second = await NewTokenAsync(admin, "second");
        string current = first;
        int asked = 0;
        await using KvCloudClient client = Client(host, settings => settings.TokenProvider = _ =>
        {
            Interlocked.Increment(ref asked);
            return ValueTask.FromResult(current);
        });
        await client.SetAsync(Key, Key);
        Assert.Equal(1, asked);
        current = second;

        await admin.ChangeAccessAsync(new KvAccessChange
        {
            Kind = AccessChangeKind.REMOVE_TOKEN,
            Name = "admin",
            TokenName = "first",
        });
        IEnumerable<Task<byte[]?>> reads = Enumerable.Range(0, 20).Select(_ => client.GetAsync(Key).AsTask());

        Assert.All(await Task.WhenAll(reads), value => Assert.Equal(Key, value));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task ChangeAccessAsync_and_GetAccessAsync_make_users_roles_and_rights_and_tell_them()
    {
        await using ServiceHost host = await StartAsync();
        await using KvCloudClient admin = Admin(host);
        var grant = new KvGrant { Rights = KvRights.Read, ColumnFamily = "default", KeyPrefix = new byte[] { 1 } };
        await ChangeAsync(new KvAccessChange { Kind = AccessChangeKind.ADD_ROLE, Name = "readers" });
        await ChangeAsync(
            new KvAccessChange { Kind = AccessChangeKind.GRANT_TO_ROLE, Name = "readers", Grant = grant });
        await ChangeAsync(
            new KvAccessChange { Kind = AccessChangeKind.ADD_USER, Name = "ada", Password = "ada's password" });
        await ChangeAsync(
            new KvAccessChange { Kind = AccessChangeKind.ASSIGN_ROLE, Name = "ada", Role = "readers" });
        await using KvCloudClient ada = Client(host, settings =>
            settings.ConnectionString += ";User=ada;Password=\"ada's password\"");

        Assert.Null(await ada.GetAsync(Key));
        KvCloudException denied = await Assert.ThrowsAsync<KvCloudException>(
            async () => await ada.SetAsync(Key, Key));
        KvAccess access = await admin.GetAccessAsync();

        Assert.Equal(ErrorCode.PERMISSION_DENIED, denied.ErrorCode);
        Assert.Equal(["ada", "admin"], access.Users.Select(user => user.Name));
        Assert.Equal(["readers"], access.Users[0].Roles);
        Assert.Equal(["readers", "admin"], access.Roles.Select(role => role.Name));
        KvGrant told = Assert.Single(access.Roles[0].Grants);
        Assert.Equal((KvRights.Read, "default"), (told.Rights, told.ColumnFamily));
        KvCloudException exists = await Assert.ThrowsAsync<KvCloudException>(async () => await ChangeAsync(
            new KvAccessChange { Kind = AccessChangeKind.ADD_ROLE, Name = "readers" }));
        Assert.Equal(ErrorCode.ACCESS_EXISTS, exists.ErrorCode);

        async Task ChangeAsync(KvAccessChange change) => await admin.ChangeAccessAsync(change);
    }

    [Theory]
    [InlineData("a", null, null, "Settings User and Password go together.")]
    [InlineData(null, "b", null, "Settings User and Password go together.")]
    [InlineData("a", "b", "c", "Of User, Token and TokenProvider only one may be set.")]
    public void KvCloudClient_credentials_that_do_not_go_together_are_refused(
        string? user, string? password, string? token, string expected)
    {
        var settings = new KvCloudClientSettings
        {
            ConnectionString = "localhost:1",
            User = user,
            Password = password,
            Token = token,
        };

        ArgumentException error = Assert.Throws<ArgumentException>(() => new KvCloudClient(settings));

        Assert.Equal(expected, error.Message);
    }

    private static async Task<ServiceHost> StartAsync(int replicas = 1)
    {
        ServiceHost host = await ServiceHost.StartAsync(replicas, Required);
        await RpcConnectionTests.Eventually(() => host.Servers.All(server => server.Reader.Access.HasAdmin));
        return host;
    }

    private static async Task<string> NewTokenAsync(KvCloudClient admin, string name)
    {
        string token = KvAccessChange.NewToken();
        await admin.ChangeAccessAsync(new KvAccessChange
        {
            Kind = AccessChangeKind.ADD_TOKEN,
            Name = "admin",
            Token = token,
            TokenName = name,
        });
        return token;
    }

    private static KvCloudClient Admin(ServiceHost host) => Client(host, settings =>
    {
        settings.User = "admin";
        settings.Password = ServiceHost.AdminPassword;
    });

    private static KvCloudClient Client(ServiceHost host, Action<KvCloudClientSettings> configure)
    {
        var settings = new KvCloudClientSettings
        {
            ConnectionString = "Endpoints=" + string.Join(
                ',', host.Servers.Select(server => $"127.0.0.1:{server.Port}")),
        };
        configure(settings);
        return new KvCloudClient(settings);
    }
}
