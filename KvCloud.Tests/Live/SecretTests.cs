using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Access;
using Microsoft.IdentityModel.Tokens;
using static KvCloud.Tests.Node.Rpc.ConnectionTests;

namespace KvCloud.Tests.Live;

/// <summary>
/// Canaries in the place of a token, keys and values: they must be nowhere in what a replica says of itself, whatever
/// is asked of it and however it refuses.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class SecretTests : IDisposable
{
    private const string Issuer = "https://idp.test/";
    private const string Audience = "kvcloud";
    private const string AdminPassword = "canary-admin-password-e1b7";
    private const string UserPassword = "canary-user-password-40aa";
    private const string WrongPassword = "canary-wrong-password-2d9c";
    private const string Token = "canary-token-7f3a";
    private const string WrongToken = "canary-wrong-token-91c2";
    private const string Value = "canary-value-5d20";
    private const string Key = "canary-key-c0de";

    private readonly string _scratch = Directory.CreateTempSubdirectory("kvcloud-secrets-").FullName;

    [Fact]
    public async Task Node_says_no_token_key_or_value_in_logs_traces_metrics_status_or_errors()
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        ConcurrentQueue<string> said = new();
        await using (LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ =>
            [
                new("KvCloud__Security__AuthToken", Token),
                new("Logging__LogLevel__Default", "Trace"),
                new("Logging__Console__LogLevel__Default", "Trace"),
                new("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Endpoint),
                new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                new("OTEL_BSP_SCHEDULE_DELAY", "200"),
                new("OTEL_BLRP_SCHEDULE_DELAY", "200"),
                new("KvCloud__Tracing__MaxRootTracesPerSecond", "1000"),
            ],
            onLine: (_, line) => said.Enqueue(line)))
        {
            await CallEverythingAsync(cluster, said);
            await AskHttpAsync(cluster, said);
            await Eventually(() => receiver.Spans.Any(span => span.Name == "TransactionalKV/setKey")
                && !receiver.Logs.IsEmpty);
        }

        foreach (OtlpSpan span in receiver.Spans)
        {
            said.Enqueue($"span {span.Name}: {string.Join(' ', span.Attributes)}");
        }

        foreach (OtlpLog line in receiver.Logs)
        {
            said.Enqueue($"log by OTLP: {string.Join(' ', line.Attributes)}");
        }

        Assert.Contains(said, line => line.Contains("auth_token", StringComparison.Ordinal));
        Assert.True(said.Count > 500, $"only {said.Count} lines were looked at");
        DemandNone(said, Token, WrongToken, Value, Key);
    }

    [Fact]
    public async Task Node_with_users_says_no_password_token_or_jwt_however_one_logs_in_or_is_refused()
    {
        using var rsa = RSA.Create(2048);
        string keys = Path.Combine(_scratch, "jwks.json");
        await File.WriteAllTextAsync(keys, IdentityProvider.JwksOf(rsa, "one"));
        string token = "canary-user-token-" + KvAccessChange.NewToken();
        string jwt = JwtOf(rsa);
        ConcurrentQueue<string> said = new();
        await using (LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ =>
            [
                new("KvCloud__Security__Authorization", "required"),
                new("KvCloud__Deployment__FeatureLevelDelayMs", "0"),
                new("KvCloud__Jwt__Issuer", Issuer),
                new("KvCloud__Jwt__Audience", Audience),
                new("KvCloud__Jwt__Keys", keys),
                new("Logging__LogLevel__Default", "Trace"),
                new("Logging__Console__LogLevel__Default", "Trace"),
                new("KVCLOUD_ADMIN_PASSWORD", AdminPassword),
            ],
            onLine: (_, line) => said.Enqueue(line)))
        {
            await using KvCloudClient admin = cluster.NewClient(settings =>
            {
                settings.User = "admin";
                settings.Password = AdminPassword;
            });
            await AdminIsEverywhereAsync(cluster);
            await admin.ChangeAccessAsync(new KvAccessChange
            {
                Kind = AccessChangeKind.ADD_USER,
                Name = "ada",
                Password = UserPassword,
            });
            await admin.ChangeAccessAsync(new KvAccessChange
            {
                Kind = AccessChangeKind.ADD_TOKEN,
                Name = "ada",
                Token = token,
                TokenName = "laptop",
            });
            said.Enqueue((await admin.GetAccessAsync()).ToString());
            foreach (string endpoint in cluster.Endpoints)
            {
                await LogInAsync(endpoint, true, new AuthenticateRequest { User = "ada", Password = UserPassword });
                await LogInAsync(endpoint, true, new AuthenticateRequest { Token = token });
                await LogInAsync(endpoint, true, new AuthenticateRequest { Token = jwt });
                await LogInAsync(endpoint, false, new AuthenticateRequest { User = "ada", Password = WrongPassword });
                await LogInAsync(endpoint, false, new AuthenticateRequest { User = "x", Password = WrongPassword });
                await LogInAsync(endpoint, false, new AuthenticateRequest { Token = WrongToken });
                await LogInAsync(endpoint, false, new AuthenticateRequest { Token = jwt + "A" });
                await LogInAsync(endpoint, false, new AuthenticateRequest { User = "ada", Token = jwt[..^9] });
            }

            await AskHttpAsync(cluster, said);
            await AskHttpAsync(cluster, said, "ada", WrongPassword);
            await AskHttpAsync(cluster, said, "admin", AdminPassword);
        }

        Assert.Contains(said, line => line.Contains("ada logged in by Token", StringComparison.Ordinal));
        Assert.Contains(said, line => line.Contains("ada logged in by Jwt", StringComparison.Ordinal));
        DemandNone(
            said, AdminPassword, UserPassword, WrongPassword, token, WrongToken, jwt.Split('.')[1], jwt.Split('.')[2]);

        async Task LogInAsync(string endpoint, bool succeeds, AuthenticateRequest request)
        {
            using var plain = new PlainClient(endpoint);
            AuthenticateResponse answer = await plain.Calls.authenticate(request);
            for (int attempt = 0; succeeds && !answer.Success && attempt < 100; attempt++)
            {
                // This replica may not have applied yet what another one answered.
                await Task.Delay(50);
                answer = await plain.Calls.authenticate(request);
            }

            Assert.True(answer.Success == succeeds, answer.Error);
            said.Enqueue(answer.Error ?? "");
        }
    }

    [Fact]
    public async Task Node_check_config_prints_settings_and_no_secret()
    {
        NodeVerb check = await NodeVerb.RunAsync("--check-config", $"--security.auth_token={Token}");

        Assert.True(check.ExitCode == 0, check.Error);
        Assert.Contains(check.Output, line => line.Contains("auth_token = (set, not shown)", StringComparison.Ordinal));
        DemandNone([.. check.Output, check.Error], Token);
    }

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    /// <summary>
    /// The first administrator is made once the group's level allows users, and each replica has it when it has applied
    /// that.
    /// </summary>
    private static async Task AdminIsEverywhereAsync(LiveCluster cluster)
    {
        foreach (string endpoint in cluster.Endpoints)
        {
            using var plain = new PlainClient(endpoint);
            var login = new AuthenticateRequest { User = "admin", Password = AdminPassword };
            for (int attempt = 0; !(await plain.Calls.authenticate(login)).Success; attempt++)
            {
                Assert.True(attempt < 100, $"{endpoint} does not know the administrator after twenty seconds");
                await Task.Delay(200);
            }
        }
    }

    private static string JwtOf(RSA rsa) => IdentityProvider.TokenOf(
        new SigningCredentials(new RsaSecurityKey(rsa) { KeyId = "one" }, SecurityAlgorithms.RsaSha256),
        DateTimeOffset.UtcNow,
        Issuer,
        Audience,
        "ada");

    private static void DemandNone(IReadOnlyCollection<string> said, params string[] canaries)
    {
        foreach (string canary in canaries)
        {
            string base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(canary));
            string hexadecimal = Convert.ToHexString(Encoding.UTF8.GetBytes(canary));
            Assert.DoesNotContain(said, line => line.Contains(canary, StringComparison.Ordinal)
                || line.Contains(base64[..^4], StringComparison.Ordinal)
                || line.Contains(hexadecimal, StringComparison.OrdinalIgnoreCase));
        }
    }

    /// <summary>What succeeds, and what is refused in as many ways as there are; the answers' texts are kept.</summary>
    private static async Task CallEverythingAsync(LiveCluster cluster, ConcurrentQueue<string> said)
    {
        byte[] key = Encoding.UTF8.GetBytes(Key);
        byte[] value = Encoding.UTF8.GetBytes(Value);
        await using (KvCloudClient client = cluster.NewClient(settings => settings.AuthToken = Token))
        {
            await client.SetAsync(key, value);
            await client.GetAsync(key);
            await client.RunAsync(transaction =>
            {
                transaction.Set(key, value);
                return Task.CompletedTask;
            });
            said.Enqueue((await client.GetClusterHealthAsync()).ToString());
        }

        await using (KvCloudClient stranger = cluster.NewClient(settings => settings.AuthToken = WrongToken))
        {
            KvCloudException refused = await Assert.ThrowsAsync<KvCloudException>(
                async () => await stranger.GetClusterHealthAsync());
            said.Enqueue(refused.ToString());
        }

        for (int node = 0; node < cluster.Count; node++)
        {
            using var plain = new PlainClient(cluster.Endpoints[node]);
            byte[] tooLong = [.. key, .. new byte[64 * 1024]];
            said.Enqueue((await plain.Calls.setKey(new SetRequest(tooLong, value))).Error ?? "");
            said.Enqueue((await plain.Calls.setKey(new SetRequest(key, value) { ColumnFamily = "none" })).Error ?? "");
            said.Enqueue((await plain.Calls.setKey(new SetRequest(key, value) { TimeoutMs = -1 })).Error ?? "");
            said.Enqueue((await plain.Calls.get(new GetRequest([]))).Error ?? "");
            said.Enqueue((await plain.Calls.getRange(
                new GetRangeRequest { BeginKey = key, EndKey = key, Limit = -1 })).Error ?? "");
            said.Enqueue((await plain.Calls.atomicCommit(new AtomicCommitRequest(
                long.MaxValue, [new Operation("nothing", key) { Value = value }], [key]))).Error ?? "");
            said.Enqueue((await plain.Calls.atomicCommit(new AtomicCommitRequest(
                long.MaxValue, [new Operation("set", key) { Value = value }], [key]))).Error ?? "");
        }
    }

    private static async Task AskHttpAsync(
        LiveCluster cluster, ConcurrentQueue<string> said, string? user = null, string password = "")
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = user is null
            ? null
            : new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        foreach (int port in cluster.Topology.Replicas.Select(replica => replica.HttpPort))
        {
            foreach (string path in (string[])
                ["/status", "/metrics", "/health", "/alive", "/events", "/logs", "/config"])
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}{path}"));
                foreach (string line in (await answer.Content.ReadAsStringAsync()).Split('\n'))
                {
                    said.Enqueue(line);
                }
            }
        }
    }
}
