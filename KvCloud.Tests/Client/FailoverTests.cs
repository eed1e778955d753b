using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Client;

/// <summary>What goes wrong between a client and a cluster, one thing at a time, over real sockets.</summary>
public sealed class FailoverTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task SetAsync_not_leader_follows_the_named_leader()
    {
        await using var cluster = new ScriptedCluster(3);
        cluster.Leader = cluster.Nodes[2];
        await using KvCloudClient client = Connect(cluster.Nodes[0].Endpoint);

        await client.SetAsync("a", "1");

        Assert.Equal(cluster.Nodes[2].Endpoint, client.LeaderEndpoint);
        Assert.Single(cluster.Nodes[2].Calls("setKey"));
        Assert.Equal(1, cluster.Store.Executions);
    }

    [Fact]
    public async Task SetAsync_leader_moves_on_follows_again()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        for (int i = 0; i < 9; i++)
        {
            cluster.Leader = cluster.Nodes[i % 3];
            await client.SetAsync("a", $"{i}");
            Assert.Equal(cluster.Leader.Endpoint, client.LeaderEndpoint);
        }

        Assert.Equal(9, cluster.Store.Executions);
    }

    [Fact]
    public async Task SetAsync_during_election_waits_for_the_new_leader()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        int refused = 0;
        cluster.Leader = null;
        foreach (ScriptedNode node in cluster.Nodes)
        {
            node.Script = call =>
            {
                if (call.Method == "setKey" && Interlocked.Increment(ref refused) == 5)
                {
                    cluster.Leader = cluster.Nodes[1];
                }

                return new ValueTask<ScriptedAct?>((ScriptedAct?)null);
            };
        }

        await client.SetAsync("a", "2");

        await LearnsLeaderAsync(client, cluster.Nodes[1].Endpoint);
        Assert.Equal(2, cluster.Store.Executions);
    }

    [Fact]
    public async Task SetAsync_election_outlasts_the_deadline_fails_known_and_transient()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(
            cluster.Endpoints, settings => settings.Timeout = TimeSpan.FromSeconds(2));
        await client.SetAsync("a", "1");
        cluster.Leader = null;

        // On a machine under load the answer to the last attempt may be too late, whose outcome is then unknown.
        KvCloudException failure;
        int calls = 0;
        do
        {
            failure = await Assert.ThrowsAsync<KvCloudException>(async () => await client.SetAsync("a", "2"));
        }
        while (failure.ErrorCode == ErrorCode.OUTCOME_UNKNOWN && ++calls < 5);

        Assert.Equal(ErrorCode.NO_LEADER, failure.ErrorCode);
        Assert.True(failure.OutcomeKnown);
        Assert.True(failure.IsTransient);
        Assert.NotNull(failure.Endpoint);
    }

    [Fact]
    public async Task SetAsync_answer_lost_after_it_ran_is_resent_under_the_same_identity_and_runs_once()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        int dropped = 0;
        cluster.Nodes[0].Script = call => Act(
            call.Method == "setKey" && Interlocked.Increment(ref dropped) <= 2,
            new ScriptedAct { RunFirst = true, Drop = true });

        long version = await client.SetAsync("a", "1");

        List<SetRequest> sent = [.. cluster.Nodes[0].Calls("setKey").Select(call => (SetRequest)call.Request)];
        Assert.Equal(3, sent.Count);
        Assert.Single(sent.Select(request => (request.ClientId, request.Sequence)).Distinct());
        Assert.Equal(1, cluster.Store.Executions);
        Assert.Equal(1, version);
    }

    [Fact]
    public async Task SetAsync_leader_dies_after_it_ran_is_resent_to_the_next_leader_and_runs_once()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        ScriptedNode old = cluster.Nodes[0];
        old.Script = call =>
        {
            if (call.Method == "setKey")
            {
                cluster.Leader = cluster.Nodes[1];
                return Act(true, new ScriptedAct { RunFirst = true, Drop = true });
            }

            return Act(false, null);
        };

        long version = await client.SetAsync("a", "2");

        Assert.Equal(2, version);
        Assert.Equal(2, cluster.Store.Executions);
        await LearnsLeaderAsync(client, cluster.Nodes[1].Endpoint);
    }

    [Fact]
    public async Task SetAsync_outcome_unknown_is_resent_under_the_same_identity()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        int refused = 0;
        cluster.Nodes[0].Script = call => Act(
            call.Method == "setKey" && Interlocked.Increment(ref refused) == 1,
            new ScriptedAct { RunFirst = true, Refuse = ErrorCode.OUTCOME_UNKNOWN });

        await client.SetAsync("a", "1");

        Assert.Equal(2, cluster.Nodes[0].Calls("setKey").Count);
        Assert.Equal(1, cluster.Store.Executions);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SetAsync_outcome_unknown_without_identity_surfaces_and_is_not_resent(bool drop)
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints, settings => settings.ExactlyOnce = false);
        cluster.Nodes[0].Script = call => Act(
            call.Method == "setKey",
            drop
                ? new ScriptedAct { RunFirst = true, Drop = true }
                : new ScriptedAct { RunFirst = true, Refuse = ErrorCode.OUTCOME_UNKNOWN });

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetAsync("a", "1"));

        Assert.Equal(ErrorCode.OUTCOME_UNKNOWN, failure.ErrorCode);
        Assert.False(failure.OutcomeKnown);
        Assert.False(failure.IsTransient);
        SetRequest sent = Assert.IsType<SetRequest>(Assert.Single(cluster.Nodes[0].Calls("setKey")).Request);
        Assert.False(sent.__isset.client_id);
    }

    [Fact]
    public async Task SetAsync_unknown_until_the_deadline_fails_with_unknown_outcome()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(
            cluster.Endpoints, settings => settings.Timeout = TimeSpan.FromSeconds(1));
        cluster.Nodes[0].Script = call =>
            Act(call.Method == "setKey", new ScriptedAct { Refuse = ErrorCode.OUTCOME_UNKNOWN });

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetAsync("a", "1"));

        Assert.Equal(ErrorCode.OUTCOME_UNKNOWN, failure.ErrorCode);
        Assert.False(failure.OutcomeKnown);
    }

    [Fact]
    public async Task SetAsync_session_expired_before_anything_ran_goes_on_in_a_new_session()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        cluster.Store.ForgetSessions();

        await client.SetAsync("a", "2");

        Assert.Equal(2, cluster.Nodes[0].Calls("openSession").Count);
        Assert.Equal(2, cluster.Store.Executions);
    }

    [Fact]
    public async Task SetAsync_session_expired_after_a_lost_answer_is_never_run_again()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        int dropped = 0;
        cluster.Nodes[0].Script = async call =>
        {
            if (call.Method == "setKey" && Interlocked.Increment(ref dropped) == 1)
            {
                return new ScriptedAct { RunFirst = true, Drop = true };
            }

            if (call.Method == "setKey" && dropped == 2)
            {
                cluster.Store.ForgetSessions();
            }

            await Task.CompletedTask;
            return null;
        };

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetAsync("a", "2"));

        Assert.Equal(ErrorCode.SESSION_EXPIRED, failure.ErrorCode);
        Assert.False(failure.OutcomeKnown);
        Assert.Equal(2, cluster.Store.Executions);

        // Later writes have a session again.
        await client.SetAsync("a", "3");
        Assert.Equal(3, cluster.Store.Executions);
    }

    [Fact]
    public async Task SetAsync_no_space_is_not_repeated()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        cluster.Nodes[0].Script = call =>
            Act(call.Method == "setKey", new ScriptedAct { Refuse = ErrorCode.NO_SPACE });

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetAsync("a", "1"));

        Assert.Equal(ErrorCode.NO_SPACE, failure.ErrorCode);
        Assert.True(failure.OutcomeKnown);
        Assert.False(failure.IsTransient);
        Assert.Single(cluster.Nodes[0].Calls("setKey"));
    }

    [Fact]
    public async Task SetAsync_overloaded_is_repeated_with_pauses()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        var times = new List<long>();
        cluster.Nodes[0].Script = call =>
        {
            if (call.Method != "setKey")
            {
                return Act(false, null);
            }

            times.Add(Environment.TickCount64);
            return Act(times.Count <= 4, new ScriptedAct { Refuse = ErrorCode.OVERLOADED });
        };

        await client.SetAsync("a", "1");

        Assert.Equal(5, times.Count);

        // Half of 16, 32, 64 and 128 ms at the least, whatever the jitter.
        Assert.True(times[4] - times[0] >= 100, $"five attempts within {times[4] - times[0]} ms");
    }

    [Fact]
    public async Task SetAsync_shutting_down_goes_to_the_next_leader()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        cluster.Nodes[0].Script = call =>
        {
            cluster.Leader = cluster.Nodes[2];
            return Act(call.Method == "setKey", new ScriptedAct { Refuse = ErrorCode.SHUTTING_DOWN });
        };

        await client.SetAsync("a", "2");

        Assert.Equal(2, cluster.Store.Executions);
        await LearnsLeaderAsync(client, cluster.Nodes[2].Endpoint);
    }

    [Fact]
    public async Task GetAsync_replica_too_stale_asks_another()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(
            cluster.Endpoints, settings => settings.Consistency = ReadConsistency.LOCAL);
        await client.SetAsync("a", "1");
        foreach (ScriptedNode node in cluster.Nodes.Take(2))
        {
            node.Script = call => Act(call.Method == "get", new ScriptedAct { Refuse = ErrorCode.TOO_STALE });
        }

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("1", await client.GetStringAsync("a"));
        }
    }

    [Theory]
    [InlineData(ErrorCode.TOO_STALE)]
    [InlineData(ErrorCode.TIMEOUT)]
    [InlineData(ErrorCode.CORRUPTION)]
    public async Task GetAsync_replica_that_refuses_quickly_is_asked_again_only_after_a_while(ErrorCode code)
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        await client.GetClusterHealthAsync();
        cluster.Nodes[1].Script = call => Act(call.Method == "get", new ScriptedAct { Refuse = code });

        long started = Environment.TickCount64;
        for (int i = 0; i < 300; i++)
        {
            Assert.Equal("1", await client.GetStringAsync("a"));
        }

        int refused = cluster.Nodes[1].Calls("get").Count;
        long seconds = (Environment.TickCount64 - started) / 1_000;
        Assert.True(refused <= seconds + 1, $"{refused} of 300 reads in {seconds} s were refused");

        // It has recovered, and is not forgotten.
        cluster.Nodes[1].Script = null;
        long until = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (cluster.Nodes[1].Calls("get").Count == refused)
        {
            Assert.True(Environment.TickCount64 < until, "a node that has recovered gets no reads");
            Assert.Equal("1", await client.GetStringAsync("a"));
        }
    }

    [Fact]
    public async Task GetAsync_all_replicas_refuse_for_a_moment_asks_them_again_at_once()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        int asked = 0;
        foreach (ScriptedNode node in cluster.Nodes)
        {
            node.Script = call => Act(
                call.Method == "get" && Interlocked.Increment(ref asked) <= 6,
                new ScriptedAct { Refuse = ErrorCode.TOO_STALE });
        }

        Assert.Equal("1", await client.GetStringAsync("a"));
        Assert.Equal(7, asked);
    }

    [Fact]
    public async Task GetAsync_node_is_silent_asks_another_within_the_deadline()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(
            cluster.Endpoints, settings => settings.AttemptTimeout = TimeSpan.FromMilliseconds(200));
        await client.SetAsync("a", "1");
        await client.GetClusterHealthAsync();
        cluster.Nodes[1].Script = _ => Act(true, new ScriptedAct { Silence = true });

        for (int i = 0; i < 30; i++)
        {
            Assert.Equal("1", await client.GetStringAsync("a"));
        }

        // Three timeouts in a row open its circuit breaker; probes find it no better.
        Assert.InRange(cluster.Nodes[1].Calls("get").Count, 0, 10);
    }

    [Fact]
    public async Task SetAsync_leader_is_silent_is_resent_elsewhere_and_runs_once()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(
            cluster.Endpoints, settings => settings.AttemptTimeout = TimeSpan.FromMilliseconds(300));
        await client.SetAsync("a", "1");
        cluster.Nodes[0].Script = call =>
        {
            if (call.Method != "setKey")
            {
                return Act(true, new ScriptedAct { Silence = true });
            }

            cluster.Leader = cluster.Nodes[1];
            return Act(true, new ScriptedAct { RunFirst = true, Silence = true });
        };

        await client.SetAsync("a", "2").AsTask().WaitAsync(Patience);

        Assert.Equal(2, cluster.Store.Executions);
        await LearnsLeaderAsync(client, cluster.Nodes[1].Endpoint);
    }

    [Fact]
    public async Task GetAsync_no_node_answers_fails_at_the_deadline()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints, settings =>
        {
            settings.Timeout = TimeSpan.FromMilliseconds(600);
            settings.AttemptTimeout = TimeSpan.FromMilliseconds(200);
        });
        cluster.Nodes[0].Script = _ => Act(true, new ScriptedAct { Silence = true });

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.GetStringAsync("a").AsTask().WaitAsync(Patience));

        Assert.Contains("deadline", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_nobody_listens_fails_with_network()
    {
        await using var cluster = new ScriptedCluster(1);
        ScriptedNode node = cluster.Nodes[0];
        await cluster.KillAsync(node);
        await using KvCloudClient client = Connect(
            node.Endpoint, settings => settings.Timeout = TimeSpan.FromMilliseconds(500));

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.GetStringAsync("a"));

        Assert.Equal(ErrorCode.NETWORK, failure.ErrorCode);
        Assert.Equal(node.Endpoint, failure.Endpoint);
        Assert.True(failure.OutcomeKnown);
    }

    [Fact]
    public async Task GetAsync_killed_node_comes_back_is_used_again()
    {
        await using var cluster = new ScriptedCluster(2);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        await client.GetClusterHealthAsync();
        await cluster.KillAsync(cluster.Nodes[1]);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("1", await client.GetStringAsync("a"));
        }

        ScriptedNode again = cluster.Restart(cluster.Nodes[1]);
        long until = Environment.TickCount64 + 20_000;
        while (again.Calls("get").Count == 0)
        {
            Assert.True(Environment.TickCount64 < until, "the node that came back got no read within 20 s");
            Assert.Equal("1", await client.GetStringAsync("a"));
        }
    }

    [Fact]
    public async Task CallAsync_connection_drops_with_many_in_flight_answers_every_call_once_and_runs_every_write_once()
    {
        await using var cluster = new ScriptedCluster(1);
        await using KvCloudClient client = Connect(cluster.Endpoints, settings => settings.Timeout = Patience);
        await client.SetAsync("warm", "up");
        int seen = 0;
        cluster.Nodes[0].Script = call => Act(
            call.Method == "setKey" && Interlocked.Increment(ref seen) % 150 == 0,
            new ScriptedAct { RunFirst = true, Drop = true });

        const int Calls = 1000;
        long[] versions = await Task.WhenAll(
            Enumerable.Range(0, Calls).Select(i => client.SetAsync($"k{i}", $"{i}").AsTask()));

        Assert.Equal(Calls, versions.Distinct().Count());
        Assert.Equal(Calls + 1, cluster.Store.Executions);
        for (int i = 0; i < Calls; i++)
        {
            Assert.Equal($"{i}", await client.GetStringAsync($"k{i}"));
        }
    }

    [Fact]
    public async Task GetAsync_one_node_is_slow_the_others_serve_most()
    {
        await using var cluster = new ScriptedCluster(3);
        await using KvCloudClient client = Connect(cluster.Endpoints);
        await client.SetAsync("a", "1");
        await client.GetClusterHealthAsync();
        cluster.Nodes[1].Script = async call =>
        {
            await Task.Delay(call.Method == "get" ? 150 : 0);
            return null;
        };

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (int i = 0; i < 50; i++)
            {
                Assert.Equal("1", await client.GetStringAsync("a"));
            }
        }));

        int slow = cluster.Nodes[1].Calls("get").Count;
        Assert.True(slow < 100, $"the slow node of three served {slow} of 400 reads");
    }

    private static KvCloudClient Connect(string endpoints, Action<KvCloudClientSettings>? configure = null)
    {
        var settings = new KvCloudClientSettings { ConnectionString = endpoints };
        configure?.Invoke(settings);
        return new KvCloudClient(settings);
    }

    private static ValueTask<ScriptedAct?> Act(bool when, ScriptedAct? act) => new(when ? act : null);

    /// <summary>
    /// A write that went to the new leader by chance teaches nothing; the renewal that the loss asked for does.
    /// </summary>
    private static async Task LearnsLeaderAsync(KvCloudClient client, string endpoint)
    {
        for (int i = 0; i < 1_000 && client.LeaderEndpoint != endpoint; i++)
        {
            await Task.Delay(10);
        }

        Assert.Equal(endpoint, client.LeaderEndpoint);
    }
}
