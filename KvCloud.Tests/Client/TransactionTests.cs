using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Client;

public sealed class TransactionTests
{
    [Fact]
    public async Task RunAsync_reads_and_writes_commits_once()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("a", "1");

        string? was = await client.RunAsync(async transaction =>
        {
            string? found = await transaction.GetStringAsync("a");
            transaction.Set("a", "2");
            transaction.Set("b", found!);
            return found;
        });

        Assert.Equal("1", was);
        Assert.Equal("2", await client.GetStringAsync("a"));
        Assert.Equal("1", await client.GetStringAsync("b"));
    }

    [Fact]
    public async Task RunAsync_conflict_runs_the_body_anew_and_loses_no_update()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("n", "0");

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (int i = 0; i < 10; i++)
            {
                await client.RunAsync(async transaction =>
                {
                    int n = int.Parse((await transaction.GetStringAsync("n"))!);
                    transaction.Set("n", $"{n + 1}");
                });
            }
        }));

        Assert.Equal("80", await client.GetStringAsync("n"));
    }

    [Fact]
    public async Task RunAsync_conflict_for_ever_stops_at_max_attempts()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        int runs = 0;

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(() => client.RunAsync(
            async transaction =>
            {
                runs++;
                await transaction.GetStringAsync("a");
                await client.SetAsync("a", "x");
                transaction.Set("a", "y");
            },
            new KvTransactionOptions { MaxAttempts = 3 }));

        Assert.Equal(ErrorCode.CONFLICT, failure.ErrorCode);
        Assert.Equal(3, runs);
    }

    [Fact]
    public async Task RunAsync_snapshot_read_is_no_conflict()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("a", "1");
        int runs = 0;

        await client.RunAsync(async transaction =>
        {
            runs++;
            Assert.Equal("1"u8.ToArray(), await transaction.Snapshot.GetAsync("a"u8.ToArray()));
            await client.SetAsync("a", runs == 1 ? "2" : "3");
            transaction.Set("b", "1");
        });

        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task RunAsync_only_reads_commits_without_a_call()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.RunAsync(transaction => transaction.GetStringAsync("a").AsTask());
        Assert.Empty(cluster.Nodes[0].Calls("atomicCommit"));
    }

    [Fact]
    public async Task RunAsync_only_writes_asks_for_no_read_version()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.RunAsync(transaction =>
        {
            transaction.Set("a", "1");
            return Task.CompletedTask;
        });
        Assert.Empty(cluster.Nodes[0].Calls("getReadVersion"));
        Assert.Equal("1", await client.GetStringAsync("a"));
    }

    [Fact]
    public async Task RunAsync_commit_answer_lost_is_resent_under_its_identity_and_happens_once()
    {
        await using var cluster = new ScriptedCluster(3);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("n", "0");
        int dropped = 0;
        int runs = 0;
        cluster.Nodes[0].Script = call => new ValueTask<ScriptedAct?>(
            call.Method == "atomicCommit" && Interlocked.Increment(ref dropped) == 1
                ? new ScriptedAct { RunFirst = true, Drop = true }
                : null);

        await client.RunAsync(async transaction =>
        {
            runs++;
            int n = int.Parse((await transaction.GetStringAsync("n"))!);
            transaction.Set("n", $"{n + 1}");
        });

        Assert.Equal(1, runs);
        Assert.Equal("1", await client.GetStringAsync("n"));
        List<AtomicCommitRequest> sent =
            [.. cluster.Nodes[0].Calls("atomicCommit").Select(call => (AtomicCommitRequest)call.Request)];
        Assert.Equal(2, sent.Count);
        Assert.Equal(sent[0].Sequence, sent[1].Sequence);
        Assert.Equal(sent[0].ClientId, sent[1].ClientId);
    }

    [Fact]
    public async Task RunAsync_commit_outcome_unknown_without_identity_is_not_run_again()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        cluster.Nodes[0].Script = call => new ValueTask<ScriptedAct?>(
            call.Method == "atomicCommit" ? new ScriptedAct { Refuse = ErrorCode.OUTCOME_UNKNOWN } : null);
        int runs = 0;

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(() => client.RunAsync(
            transaction =>
            {
                runs++;
                transaction.Set("a", "1");
                return Task.CompletedTask;
            },
            new KvTransactionOptions { ExactlyOnce = false }));

        Assert.False(failure.OutcomeKnown);
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task RunAsync_body_throws_writes_nothing()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => client.RunAsync(transaction =>
        {
            transaction.Set("a", "1");
            throw new InvalidTimeZoneException("mine");
        }));
        Assert.Null(await client.GetStringAsync("a"));
    }

    [Fact]
    public async Task KvTransaction_after_its_commit_refuses_everything()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        KvTransaction transaction = client.BeginTransaction();
        transaction.Set("a", "1");
        long version = await transaction.CommitAsync();

        Assert.Equal(version, transaction.CommittedVersion);
        Assert.Throws<InvalidOperationException>(() => transaction.Set("a", "2"));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transaction.CommitAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transaction.GetStringAsync("a"));
    }

    [Fact]
    public async Task RangeAsync_over_own_writes_shows_them_in_order()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        foreach (string key in new[] { "k2", "k4", "k6" })
        {
            await client.SetAsync(key, "old");
        }

        List<string> rows = await client.RunAsync(async transaction =>
        {
            transaction.Set("k1", "new");
            transaction.Delete("k2");
            transaction.Set("k4", "new");
            transaction.Set("k5", "gone");
            transaction.Delete("k5");
            transaction.Set("k7", "new");
            transaction.Set("m", "outside");
            return await RowsAsync(transaction.RangeAsync(KvRange.Prefix("k")));
        });

        Assert.Equal(["k1=new", "k4=new", "k6=old", "k7=new"], rows);
    }

    [Fact]
    public async Task RangeAsync_random_writes_and_pages_agrees_with_a_model()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
            string prefix = $"s{seed:00}/";
            for (int i = 0; i < random.Next(20); i++)
            {
                string key = $"{prefix}{random.Next(30):00}";
                model[key] = $"old{i}";
                await client.SetAsync(key, model[key]);
            }

            await client.RunAsync(async transaction =>
            {
                for (int i = 0; i < random.Next(20); i++)
                {
                    string key = $"{prefix}{random.Next(30):00}";
                    if (random.Next(3) == 0)
                    {
                        transaction.Delete(key);
                        model.Remove(key);
                    }
                    else
                    {
                        transaction.Set(key, $"new{i}");
                        model[key] = $"new{i}";
                    }

                    Assert.Equal(model.GetValueOrDefault(key), await transaction.GetStringAsync(key));
                }

                int limit = random.Next(12);
                KvRange range = KvRange.Prefix(prefix) with { PageSizeBytes = 1 + random.Next(20), Limit = limit };
                List<string> wanted = [.. model.Select(row => $"{row.Key}={row.Value}")];
                Assert.Equal(
                    limit == 0 ? wanted : [.. wanted.Take(limit)], await RowsAsync(transaction.RangeAsync(range)));
            });
            Assert.Equal(
                [.. model.Select(row => $"{row.Key}={row.Value}")],
                await RowsAsync(client.RangeAsync(KvRange.Prefix(prefix))));
        }
    }

    [Fact]
    public async Task RangeAsync_row_written_meanwhile_is_a_conflict()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        int runs = 0;
        await client.RunAsync(async transaction =>
        {
            runs++;
            int rows = (await RowsAsync(transaction.RangeAsync(KvRange.Prefix("k")))).Count;
            if (runs == 1)
            {
                // A phantom: it was not there when the range was read.
                await client.SetAsync("k5", "x");
            }

            transaction.Set("count", $"{rows}");
        });

        Assert.Equal(2, runs);
        Assert.Equal("1", await client.GetStringAsync("count"));
    }

    [Fact]
    public async Task RangeAsync_stopped_early_holds_only_what_was_read_against_the_commit()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        for (int i = 0; i < 9; i++)
        {
            await client.SetAsync($"k{i}", "x");
        }

        int runs = 0;
        await client.RunAsync(async transaction =>
        {
            runs++;
            await RowsAsync(transaction.RangeAsync(KvRange.Prefix("k") with { Limit = 3 }));
            await client.SetAsync("k7", $"{runs}");
            transaction.Set("done", "1");
        });

        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task SetVersionstampedKey_and_value_are_known_after_the_commit_and_unreadable_before()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        KvTransaction transaction = client.BeginTransaction();
        byte[] buffer = [(byte)'q', .. new byte[10]];
        KvVersionstampHandle first = transaction.SetVersionstampedKey(buffer, "1"u8.ToArray());
        KvVersionstampHandle second = transaction.SetVersionstampedValue("v"u8.ToArray(), buffer);

        Assert.False(first.IsKnown);
        Assert.Throws<InvalidOperationException>(() => first.Generated);
        await Assert.ThrowsAsync<KvCloudException>(async () => await transaction.GetAsync("v"u8.ToArray()));
        await Assert.ThrowsAsync<KvCloudException>(
            async () => await RowsAsync(transaction.RangeAsync(KvRange.Prefix("q"))));
        Assert.Throws<ArgumentException>(() => transaction.SetVersionstampedKey(new byte[9], new byte[1]));
        await transaction.CommitAsync();

        Assert.Equal("1"u8.ToArray(), await client.GetAsync(first.Generated));
        Assert.Equal(second.Generated.ToArray(), await client.GetAsync("v"u8.ToArray()));
    }

    private static async Task<List<string>> RowsAsync(IAsyncEnumerable<KvEntry> rows)
    {
        var found = new List<string>();
        await foreach (KvEntry row in rows)
        {
            found.Add(
                $"{System.Text.Encoding.UTF8.GetString(row.Key)}={System.Text.Encoding.UTF8.GetString(row.Value)}");
        }

        return found;
    }
}
