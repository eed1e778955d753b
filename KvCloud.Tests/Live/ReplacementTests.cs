using System.Diagnostics;
using System.Net;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>A replica whose disk is lost comes back by itself under another number, or not at all.</summary>
[Collection(LiveCollection.Name)]
public sealed class ReplacementTests(ITestOutputHelper output)
{
    private const int Victim = 1;
    private const int Other = 2;
    private const int RemovedExitCode = 5;
    private const string ReplacementIds = "KvCloud__Deployment__ReplacementIds";
    private const string AdminPassword = "the first password";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Twice under load, then with what the old disk held, then without a number that is left.</summary>
    [Fact]
    public async Task Replica_whose_disk_is_lost_takes_its_next_number_and_is_a_voter_with_all_data()
    {
        string? ids = "4, 5";
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: replica => replica.Index switch
            {
                Victim => [new(ReplacementIds, ids)],
                Other => [new(ReplacementIds, "7")],
                _ => [],
            });
        await using KvCloudClient client = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);

        string firstDisk = await LoseDiskAsync(cluster);
        long started = Stopwatch.GetTimestamp();
        cluster.Processes.Start(Victim);
        await VotersAsync(client, cluster, 0, 2, 4);
        output.WriteLine($"a voter {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s after its start");
        await LoggedAsync(cluster, "the disk of replica 1 was lost, as a majority of its group says");
        await load.NextAcknowledgedAsync(Patience);

        // It stays what it is.
        await cluster.Processes.RestartAsync(Victim);
        await cluster.WaitHealthyAsync();
        await VotersAsync(client, cluster, 0, 2, 4);

        await LoseDiskAsync(cluster);
        cluster.Processes.Start(Victim);
        await VotersAsync(client, cluster, 0, 2, 5);
        await load.NextAcknowledgedAsync(Patience);

        // Another one, whose configuration does not know the one that was replaced.
        await LoseDiskAsync(cluster, Other);
        cluster.Processes.Start(Other);
        await VotersAsync(client, cluster, 0, 5, 7);
        await load.NextAcknowledgedAsync(Patience);
        await cluster.WaitHealthyAsync();
        await load.StopAsync();
        output.WriteLine($"{load.Acknowledged} acknowledged writes, {load.Reads} linearizable reads");
        await load.AssertKeptAsync(cluster, 0, 1, 2);

        // The numbers are all taken, and the first was removed.
        await LoseDiskAsync(cluster);
        cluster.Processes.Start(Victim);
        await EndedAsync(cluster, RemovedExitCode);

        // The first disk was not lost after all: its number was, and no other is taken for it.
        ids = "4, 5, 6";
        Directory.Delete(DirectoryOf(cluster), recursive: true);
        Directory.Move(firstDisk, DirectoryOf(cluster));
        cluster.Processes.Start(Victim);
        await EndedAsync(cluster, RemovedExitCode);
        await VotersAsync(client, cluster, 0, 5, 7);
    }

    [Fact]
    public async Task Replica_whose_disk_is_lost_without_replacement_ids_is_refused_and_stays_so()
    {
        string? ids = null;
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: replica => replica.Index == Victim ? [new(ReplacementIds, ids)] : []);
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync("a", "1");

        await LoseDiskAsync(cluster);
        cluster.Processes.Start(Victim);
        await LoggedAsync(cluster, "remembers another: it has lost its data directory");
        Assert.Equal(NodeState.Running, cluster.Processes.Nodes[Victim].State);
        await VotersAsync(client, cluster, 0, 1, 2);

        // What was refused takes a number once it may.
        ids = "7";
        await cluster.Processes.RestartAsync(Victim);
        await VotersAsync(client, cluster, 0, 2, 7);
        await cluster.WaitHealthyAsync();

        // And it is nobody's any more without it.
        ids = null;
        await cluster.Processes.RestartAsync(Victim);
        await EndedAsync(cluster, exitCode: 3);
        await LoggedAsync(cluster, "belongs to node 7, not to node 1");
    }

    /// <summary>By TLS, with a certificate that names both numbers; the token comes late.</summary>
    [Fact]
    public async Task Replica_whose_disk_is_lost_needs_a_token_where_users_are_required()
    {
        string token = KvAccessChange.NewToken();
        using var certificates = new LiveCertificates();
        string tokenFile = Path.Combine(certificates.Ca.Folder, "token");
        PemPair both = certificates.Ca.Issue(
            [TestCa.NodeUri(Victim), TestCa.NodeUri(4)], ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
        both.CopyTo(certificates.Node(Victim));
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: replica =>
            [
                new("KvCloud__Security__Authorization", "required"),
                new("KvCloud__Deployment__FeatureLevelDelayMs", "0"),
                new("KVCLOUD_ADMIN_PASSWORD", AdminPassword),
                .. replica.Index != Victim ? [] : (KeyValuePair<string, string?>[])
                [
                    new(ReplacementIds, "4"),
                    new("KvCloud__Deployment__ReplacementTokenFile", tokenFile),
                ],
            ],
            certificates: certificates);
        await using KvCloudClient admin = cluster.NewClient(settings =>
        {
            settings.User = "admin";
            settings.Password = AdminPassword;
        });
        await AddTokenAsync(admin, token);
        await admin.SetAsync("a", "1");

        await LoseDiskAsync(cluster);
        cluster.Processes.Start(Victim);
        await LoggedAsync(cluster, "the file of deployment.replacement_token_file cannot be read");
        Assert.Contains(
            "seems to know another one of replica 1; the group cannot be asked: the file of",
            await HealthAsync(cluster),
            StringComparison.Ordinal);
        await File.WriteAllTextAsync(tokenFile, "no-such-token\n");
        await LoggedAsync(cluster, "(deployment.replacement_token_file)");
        await File.WriteAllTextAsync(tokenFile, token + '\n');

        await VotersAsync(admin, cluster, 0, 2, 4);
        await cluster.WaitHealthyAsync();
        await admin.SetAsync("a", "2");
        Assert.Equal("2", await admin.GetStringAsync(
            "a",
            new KvReadOptions
            {
                Consistency = ReadConsistency.READ_INDEX,
                Endpoint = cluster.Endpoints[Victim],
            }));
        Assert.DoesNotContain(
            cluster.Processes.LogTail(Victim), line => line.Contains(token, StringComparison.Ordinal));
    }

    private static string DirectoryOf(LiveCluster cluster, int index = Victim) =>
        Path.Combine(cluster.Topology.DataRoot, $"node_{index}");

    /// <summary>Gives where the directory is kept, of which the replica knows nothing.</summary>
    private static async Task<string> LoseDiskAsync(LiveCluster cluster, int index = Victim)
    {
        await cluster.Processes.KillAsync(index);
        string kept = Path.Combine(cluster.Topology.DataRoot, $"lost-{Guid.NewGuid():N}");
        Directory.Move(DirectoryOf(cluster, index), kept);
        return kept;
    }

    private static async Task<string> HealthAsync(LiveCluster cluster)
    {
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        };
        using var http = new HttpClient(handler);
        HttpResponseMessage health = await http.GetAsync(
            cluster.Topology.HttpAddress(cluster.Topology.Replicas[Victim], "/health"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        return await health.Content.ReadAsStringAsync();
    }

    private static async Task AddTokenAsync(KvCloudClient admin, string token)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await admin.ChangeAccessAsync(new KvAccessChange
                {
                    Kind = AccessChangeKind.ADD_TOKEN,
                    Name = "admin",
                    Token = token,
                    TokenName = "replacement",
                });
                return;
            }
            catch (KvCloudException) when (attempt < 100)
            {
                // The first administrator is made once the group's level allows users.
                await Task.Delay(200);
            }
        }
    }

    /// <summary>Asked of the one that is never lost: the others may know nothing for a while.</summary>
    private static async Task VotersAsync(KvCloudClient client, LiveCluster cluster, params int[] voters)
    {
        var ask = new KvReadOptions { Endpoint = cluster.Endpoints[0], Timeout = TimeSpan.FromSeconds(1) };
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        string seen = "";
        while (Environment.TickCount64 < deadline)
        {
            try
            {
                KvClusterHealth health = await client.GetClusterHealthAsync(ask);
                if (health.Nodes.All(node => !node.IsLearner)
                    && health.Nodes.Select(node => node.Id).Order().SequenceEqual(voters))
                {
                    return;
                }

                seen = string.Join(", ", health.Nodes.Select(node => $"{node.Id}{(node.IsLearner ? " learner" : "")}"));
            }
            catch (KvCloudException refusal)
            {
                seen = refusal.Message;
            }

            await Task.Delay(100);
        }

        Assert.Fail($"the members are {seen}:\n{Tails(cluster)}");
    }

    private static string Tails(LiveCluster cluster) =>
        string.Join('\n', cluster.TailOf(Victim).Concat(cluster.TailOf(Other)));

    private static async Task LoggedAsync(LiveCluster cluster, string text)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!cluster.Processes.LogTail(Victim).Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            Assert.True(
                Environment.TickCount64 < deadline, $"not said: {text}\n{string.Join('\n', cluster.TailOf(Victim))}");
            await Task.Delay(50);
        }
    }

    private static async Task EndedAsync(LiveCluster cluster, int exitCode)
    {
        NodeProcess node = cluster.Processes.Nodes[Victim];
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (node.State == NodeState.Running && Environment.TickCount64 < deadline)
        {
            await Task.Delay(50);
        }

        Assert.True(node.LastExitCode == exitCode, string.Join('\n', cluster.TailOf(Victim)));
    }
}
