using System.Globalization;
using System.Text;
using KvCloud.Client;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// Transactions while leaders are killed: Bank, Cycle, and a client that sends everything five times. At no version, on
/// no replica, is a sum wrong, a ring broken or a request done twice.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class TransactionTests(ITestOutputHelper output)
{
    private const int Kills = 2;
    private const int ClientsOfEach = 4;

    private long _committed;

    [Fact]
    public async Task AtomicCommit_bank_cycle_and_resends_hold_while_leaders_are_killed()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ => [new("KvCloud__Deployment__WriteRouting", "forward")]);
        await using KvCloudClient client = cluster.NewClient(settings => settings.Timeout = TimeSpan.FromSeconds(20));
        await BankLoad.OpenAsync(client);
        await CycleLoad.OpenAsync(client);
        await using var bank = new SnapshotAudit(cluster, BankLoad.Prefix, BankLoad.Judge);
        await using var cycle = new SnapshotAudit(cluster, CycleLoad.Prefix, CycleLoad.Judge);
        using var resend = new ResendLoad(cluster);
        using var stop = new CancellationTokenSource();
        Task[] running =
        [
            .. Enumerable.Range(0, ClientsOfEach).SelectMany(seed => new[]
            {
                Task.Run(() => RepeatAsync(random => BankLoad.MoveAsync(client, random), seed, stop.Token)),
                Task.Run(() => RepeatAsync(random => CycleLoad.TurnAsync(client, random), seed, stop.Token)),
            }),
            Task.Run(() => resend.RunAsync(stop.Token)),
        ];
        for (int kill = 0; kill < Kills; kill++)
        {
            await GoOnAsync(running);
            int leader = await cluster.LeaderAsync(client);
            await cluster.Processes.KillAsync(leader);
            await GoOnAsync(running);
            cluster.Processes.Start(leader);
            await cluster.WaitHealthyAsync(leader);
        }

        await stop.CancelAsync();
        await Task.WhenAll(running);
        await bank.FinishAsync();
        await cycle.FinishAsync();
        output.WriteLine(
            $"{Interlocked.Read(ref _committed)} transactions; pictures of the bank {string.Join(", ", bank.Pictures)},"
            + $" of the ring {string.Join(", ", cycle.Pictures)}; {resend.Answers.Count} requests five times,"
            + $" {resend.Vague} answers lost or refused between");
        Assert.Empty(bank.Violations);
        Assert.Empty(cycle.Violations);
        Assert.Empty(resend.Violations);
        Assert.All(bank.Pictures.Concat(cycle.Pictures), count => Assert.True(count > 5, "a replica was hardly asked"));
        Assert.True(resend.Answers.Count > 20, $"only {resend.Answers.Count} requests were sent five times");
        for (int replica = 0; replica < cluster.Count; replica++)
        {
            await CheckOnceAsync(cluster, client, replica, resend.Answers);
        }
    }

    /// <summary>Each request that was answered with a version has one key, and each that conflicted none.</summary>
    private static async Task CheckOnceAsync(
        LiveCluster cluster, KvCloudClient client, int replica, Dictionary<long, long> answers)
    {
        var options = new KvReadOptions
        {
            AtVersion = await client.GetReadVersionAsync(),
            Endpoint = cluster.Endpoints[replica],
        };
        var effects = new List<long>();
        await foreach (KvEntry entry in client.RangeAsync(KvRange.Prefix("once/"), options))
        {
            effects.Add(long.Parse(Encoding.ASCII.GetString(entry.Key, 5, 8), CultureInfo.InvariantCulture));
        }

        Assert.Equal(answers.Where(answer => answer.Value > 0).Select(answer => answer.Key).Order(), effects.Order());
    }

    private async Task RepeatAsync(Func<Random, Task> transaction, int seed, CancellationToken until)
    {
        var random = new Random(seed);
        while (!until.IsCancellationRequested)
        {
            await transaction(random);
            Interlocked.Increment(ref _committed);
        }
    }

    /// <summary>Waits for some more commits; a caller that has failed for good ends the wait.</summary>
    private async Task GoOnAsync(Task[] running)
    {
        long goal = Interlocked.Read(ref _committed) + 100;
        for (int attempt = 0; Interlocked.Read(ref _committed) < goal; attempt++)
        {
            Assert.True(attempt < 3000, "transactions no longer commit");
            if (Array.Find(running, task => task.IsFaulted) is { } failed)
            {
                await failed;
            }

            await Task.Delay(10);
        }
    }
}
