using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.RawClients;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>Three replicas that ask who calls: `kv`, HTTP, plain clients, restarts and what a backup carries.</summary>
[Collection(LiveCollection.Name)]
public sealed class AccessTests(ITestOutputHelper output) : IDisposable
{
    private const string AdminPassword = "the first password";
    private const string AdaPassword = "ada's password";

    private readonly string _scratch = Directory.CreateTempSubdirectory("kvcloud-access-").FullName;

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public async Task Authorization_required_is_the_same_by_kv_by_http_and_by_plain_clients_and_outlives_restarts()
    {
        await using LiveCluster cluster = await StartAsync();
        await HasAdminAsync(cluster);
        await MakeUserAsync(cluster);

        using var plain = new PlainClient(cluster.Endpoints[0]);
        GetResponse nobody = await plain.Calls.@get(new GetRequest([1]));
        Assert.Equal(ErrorCode.UNAUTHENTICATED, nobody.Code);
        (int code, _, string told) = await KvAsync(cluster, null, "get", "k");
        Assert.Equal(2, code);
        Assert.Contains("UNAUTHENTICATED: nobody has logged in", told, StringComparison.Ordinal);
        Assert.Equal(0, (await KvAsync(cluster, "ada", "set", "a/1", "1")).Code);
        (code, _, told) = await KvAsync(cluster, "ada", "set", "b/1", "1");
        Assert.Equal(2, code);
        Assert.Contains("PERMISSION_DENIED: the right to write is missing", told, StringComparison.Ordinal);
        await CheckHttpAsync(cluster.Topology.Replicas[1]);
        CheckLogs(cluster);

        for (int node = 0; node < cluster.Count; node++)
        {
            await cluster.Processes.KillAsync(node);
            cluster.Processes.Start(node);
            await cluster.WaitHealthyAsync();
        }

        (code, string users, _) = await KvAsync(cluster, "admin", "user", "list");
        Assert.Equal(0, code);
        Assert.Contains("ada\tset\t-\t-\tread,write on default 'a/'", users, StringComparison.Ordinal);
        Assert.Equal(0, (await KvAsync(cluster, "ada", "get", "a/1")).Code);
    }

    /// <summary>In Python, with nothing but Thrift: it knows nothing of logins, and hears that one is wanted.</summary>
    [RawClientFact("python")]
    public async Task Authenticate_of_an_existing_client_in_python_is_one_call_more()
    {
        await using LiveCluster cluster = await StartAsync();
        await HasAdminAsync(cluster);
        await MakeUserAsync(cluster);
        await RawClientKit.RunAsync(
            "thrift", ["--gen", "py", "-out", _scratch, Repository.File("KvCloud.Protocol", "kvstore.thrift")]);

        string printed = await RawClientKit.RunAsync(
            RawClientKit.PythonProgram,
            [RawClientKit.Script("existing_client.py"), _scratch, cluster.Endpoints[0], "ada", AdaPassword]);

        Assert.Equal("refused without a login, let in with one", printed.Trim());
    }

    [Fact]
    public async Task ChangeAccess_revocation_on_open_connections_holds_at_once_where_answered_and_soon_elsewhere()
    {
        await using LiveCluster cluster = await StartAsync();
        await HasAdminAsync(cluster);
        await MakeUserAsync(cluster);
        await using KvCloudClient admin = cluster.NewClient(settings =>
        {
            settings.User = "admin";
            settings.Password = AdminPassword;
        });
        List<PlainClient> connections = [.. cluster.Endpoints.Select(endpoint => new PlainClient(endpoint))];
        TimeSpan worstElsewhere = TimeSpan.Zero;
        foreach (PlainClient connection in connections)
        {
            AuthenticateResponse login = await connection.Calls.authenticate(
                new AuthenticateRequest { User = "ada", Password = AdaPassword });
            Assert.True(login.Success, login.Error);
        }

        for (int round = 0; round < 20; round++)
        {
            int leader = await cluster.LeaderAsync(admin);
            await ChangeAsync(admin, AccessChangeKind.REVOKE_FROM_USER);
            long answered = Stopwatch.GetTimestamp();
            Assert.Equal(ErrorCode.PERMISSION_DENIED, await ReadAsync(connections[leader], ReadConsistency.LOCAL));
            foreach (PlainClient connection in connections)
            {
                while (await ReadAsync(connection, ReadConsistency.LOCAL) != ErrorCode.PERMISSION_DENIED)
                {
                    TimeSpan elsewhere = Stopwatch.GetElapsedTime(answered);
                    worstElsewhere = elsewhere > worstElsewhere ? elsewhere : worstElsewhere;
                    Assert.True(elsewhere < TimeSpan.FromSeconds(5), "a follower still answers after five seconds");
                }

                Assert.Equal(ErrorCode.PERMISSION_DENIED, await ReadAsync(connection, ReadConsistency.READ_INDEX));
            }

            await ChangeAsync(admin, AccessChangeKind.GRANT_TO_USER);
        }

        output.WriteLine($"longest that a follower answered LOCAL after: {worstElsewhere.TotalMilliseconds:0.0} ms");
        connections.ForEach(connection => connection.Dispose());
    }

    [Fact]
    public async Task Restore_of_a_backup_has_the_users_of_the_moment_and_their_passwords()
    {
        string archive = Path.Combine(_scratch, "archive");
        string restored = Path.Combine(_scratch, "restored");
        await using (LiveCluster cluster = await StartAsync())
        {
            await HasAdminAsync(cluster);
            await MakeUserAsync(cluster);
            Assert.Equal(0, (await KvAsync(cluster, "ada", "set", "a/1", "1")).Code);
            (int code, _, string told) = await KvAsync(cluster, "ada", "backup", "create", "--to", archive);
            Assert.NotEqual(0, code);
            Assert.Contains("PERMISSION_DENIED", told, StringComparison.Ordinal);
            (code, _, told) = await KvAsync(cluster, "admin", "backup", "create", "--to", archive);
            Assert.True(code == 0, told);
        }

        (int restoring, _, string why) = await KvProcess.RunAsync(
            "backup", "restore", "--from", archive, "--to", restored, "--nodes", "0,1,2", "--cluster-id", "again");
        Assert.True(restoring == 0, why);
        await using LiveCluster again = await LiveCluster.StartAsync(
            environment: Environment, dataRoot: restored, clusterId: "again");

        Assert.Equal(0, (await KvAsync(again, "ada", "get", "a/1")).Code);
        Assert.Equal(2, (await KvAsync(again, "ada", "get", "b/1")).Code);
        Assert.Equal(0, (await KvAsync(again, "admin", "user", "list")).Code);
    }

    private static Task<LiveCluster> StartAsync() => LiveCluster.StartAsync(environment: Environment);

    private static IEnumerable<KeyValuePair<string, string?>> Environment(Replica replica) =>
    [
        new("KvCloud__Security__Authorization", "required"),
        new("KvCloud__Security__Metrics", "admin"),
        new("KvCloud__Deployment__FeatureLevelDelayMs", "0"),
        new("KVCLOUD_ADMIN_PASSWORD", AdminPassword),
    ];

    private async Task MakeUserAsync(LiveCluster cluster)
    {
        Assert.Equal(0, (await KvAsync(
            cluster, "admin", "user", "add", "ada", "--new-password-file", FileOf("new", AdaPassword))).Code);
        (int code, _, string told) = await KvAsync(
            cluster, "admin", "user", "grant", "ada", "read,write", "--prefix", "a/");
        Assert.True(code == 0, told);
    }

    private async Task HasAdminAsync(LiveCluster cluster)
    {
        for (int attempt = 0; attempt < 100; attempt++)
        {
            if ((await KvAsync(cluster, "admin", "user", "list")).Code == 0)
            {
                return;
            }

            await Task.Delay(200);
        }

        Assert.Fail("there is no administrator after twenty seconds");
    }

    private static async Task ChangeAsync(KvCloudClient admin, AccessChangeKind kind) =>
        await admin.ChangeAccessAsync(new KvAccessChange
        {
            Kind = kind,
            Name = "ada",
            Grant = new KvGrant
            {
                Rights = KvRights.Read | KvRights.Write,
                ColumnFamily = "default",
                KeyPrefix = "a/"u8.ToArray(),
            },
        });

    private static async Task<ErrorCode> ReadAsync(PlainClient client, ReadConsistency level) =>
        (await client.Calls.@get(new GetRequest("a/1"u8.ToArray()) { Consistency = level })).Code;

    private static async Task CheckHttpAsync(Replica replica)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{replica.HttpPort}") };
        foreach (string open in new[] { "/alive", "/health" })
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(open)).StatusCode);
        }

        foreach (string closed in new[]
            {
                "/", "/status", "/metrics", "/events", "/logs", "/slow", "/heat", "/log", "/config", "/no/such/page",
            })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync(closed)).StatusCode);
        }

        http.DefaultRequestHeaders.Authorization = Basic("ada", AdaPassword);
        Assert.Equal(HttpStatusCode.Forbidden, (await http.GetAsync("/status")).StatusCode);
        http.DefaultRequestHeaders.Authorization = Basic("admin", "not the password");
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/status")).StatusCode);
        http.DefaultRequestHeaders.Authorization = Basic("admin", AdminPassword);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/status")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/metrics")).StatusCode);
    }

    /// <summary>Who did what is there, and no secret.</summary>
    private static void CheckLogs(LiveCluster cluster)
    {
        string logs = string.Join('\n', Enumerable.Range(0, cluster.Count).SelectMany(cluster.Processes.LogTail));

        Assert.Contains("changed users or roles: AddUser ada: done", logs, StringComparison.Ordinal);
        Assert.Contains("ada logged in by Password", logs, StringComparison.Ordinal);
        Assert.Contains("Refused", logs, StringComparison.Ordinal);
        Assert.DoesNotContain(AdaPassword, logs, StringComparison.Ordinal);
        Assert.DoesNotContain(AdminPassword, logs, StringComparison.Ordinal);
    }

    private static AuthenticationHeaderValue Basic(string user, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));

    private string FileOf(string name, string content)
    {
        string path = Path.Combine(_scratch, name);
        File.WriteAllText(path, content + "\n");
        return path;
    }

    private Task<(int Code, string Printed, string Told)> KvAsync(
        LiveCluster cluster, string? user, params string[] arguments)
    {
        string[] login = user is null
            ? []
            : ["--user", user, "--password-file", FileOf(user, user == "admin" ? AdminPassword : AdaPassword)];
        return KvProcess.RunAsync([.. arguments, "--endpoints", string.Join(',', cluster.Endpoints), .. login]);
    }
}
