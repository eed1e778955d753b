using System.Net;
using System.Text.Json;
using KvCloud.Consensus;
using KvCloud.LocalCluster;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.History;
using KvCloud.Tests.Node.Cluster;
using KvCloud.Tests.Node.Configuration;
using KvCloud.Tests.Node.Rpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>
/// The real HTTP endpoints over the real cluster manager; only status, links and clock are the test's.
/// </summary>
public sealed class NodeEndpointsTests : IAsyncLifetime, IDisposable
{
    private readonly ClusterFixture _cluster = new();
    private readonly SettingsFixture _settings = new();
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly SlowCalls _slow = new(TimeProvider.System, thresholdMs: 100);
    private readonly KeyHeat _heat = new(TimeProvider.System);
    private readonly MemoryPaxosLog _log = new();
    private TimeSpan _loopStandsStill;
    private WebApplication? _app;

    public async Task InitializeAsync()
    {
        NodeTopology topology = _cluster.Topology with { ListenAddress = "127.0.0.1", HttpPort = FreePorts.Find(1)[0] };
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenNodeHttp(
            topology, new HttpConnections(100, certificates: null, TimeProvider.System)));
        builder.Services.AddSingleton<TimeProvider>(_cluster.Time);
        builder.Services.AddSingleton(topology);
        builder.Services.AddSingleton(new NodeOptions());
        builder.Services.AddSingleton(_settings.Load(
            """
            [security]
            auth_token = "do-not-tell"
            [consensus]
            election_timeout_ms = 1234
            """));
        builder.Services.AddSingleton(_cluster.Options);
        builder.Services.AddSingleton(_slow);
        builder.Services.AddSingleton(_heat);
        builder.Services.AddSingleton(new LogInspector(_log, () => _cluster.Status));
        builder.Services.AddClusterManager(_ => _cluster.Feeds);
        builder.Services.AddNodeDiagnostics(_ => Environment.TickCount64 - (long)_loopStandsStill.TotalMilliseconds);
        _app = builder.Build();
        _app.MapNodeEndpoints();
        await _app.StartAsync();
        _client.BaseAddress = new Uri($"http://127.0.0.1:{topology.HttpPort}");
    }

    public async Task DisposeAsync() => await _app!.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _cluster.Dispose();
        _settings.Dispose();
    }

    [Fact]
    public async Task MapNodeEndpoints_health_of_a_replica_that_knows_its_leader_is_200_with_details()
    {
        (HttpStatusCode code, JsonElement body) = await GetAsync("/health");

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Equal("healthy", body.GetProperty("status").GetString(), ignoreCase: true);
        string replica = body.GetProperty("checks").GetProperty("replica").GetRawText();
        Assert.Contains("\"leader\":\"localhost:9091\"", replica.Replace(" ", "", StringComparison.Ordinal));
        Assert.Contains("\"role\":\"follower\"", replica.Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task MapNodeEndpoints_health_without_a_leader_is_503_and_says_why_while_alive_is_200()
    {
        _cluster.Status = _cluster.Status with { Leader = null };

        (HttpStatusCode code, JsonElement body) = await GetAsync("/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Equal(
            "it knows no leader",
            body.GetProperty("checks").GetProperty("replica").GetProperty("description").GetString());
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/alive")).Code);
    }

    [Fact]
    public async Task MapNodeEndpoints_health_before_all_replicas_have_met_is_503_and_names_who_is_missing()
    {
        _cluster.NotMet = [1, 2];

        (HttpStatusCode code, JsonElement body) = await GetAsync("/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Contains("waits for first contact with nodes 1, 2", body.GetRawText());
    }

    [Fact]
    public async Task MapNodeEndpoints_health_far_behind_is_503()
    {
        _cluster.Status = _cluster.Status with { ChosenSlot = new Slot(9000) };

        (HttpStatusCode code, JsonElement body) = await GetAsync("/health");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Contains("8900 slots behind", body.GetRawText());
    }

    [Fact]
    public async Task MapNodeEndpoints_alive_when_the_loop_stands_still_is_503()
    {
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/alive")).Code);

        _loopStandsStill = DriverAliveCheck.StuckAfter + TimeSpan.FromSeconds(1);

        (HttpStatusCode code, JsonElement body) = await GetAsync("/alive");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Contains("has made no step", body.GetRawText());
        Assert.DoesNotContain("\"replica\"", body.GetRawText());
    }

    [Fact]
    public async Task MapNodeEndpoints_status_is_the_view_of_the_cluster()
    {
        ClusterManager manager = _app!.Services.GetRequiredService<ClusterManager>();
        manager.Received(ClusterFixture.Report(1, Role.Leader));
        manager.Received(ClusterFixture.Report(2));
        manager.Refresh(isInterval: false);

        (HttpStatusCode code, JsonElement body) = await GetAsync("/status");

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Equal("kvcloud", body.GetProperty("cluster_id").GetString());
        Assert.Equal("healthy", body.GetProperty("status").GetString());
        Assert.Equal(1, body.GetProperty("leader_id").GetInt32());
        Assert.Equal("localhost:9091", body.GetProperty("leader_endpoint").GetString());
        Assert.Equal(3, body.GetProperty("nodes").GetArrayLength());
        Assert.Equal("follower", body.GetProperty("nodes")[2].GetProperty("role").GetString());
        Assert.Equal(10, body.GetProperty("links")[0].GetProperty("sent_bytes").GetInt64());
        Assert.False(string.IsNullOrEmpty(body.GetProperty("version").GetString()));
    }

    [Fact]
    public async Task MapHistory_events_after_a_number_are_those_that_came_since()
    {
        ClusterManager manager = _app!.Services.GetRequiredService<ClusterManager>();
        manager.Received(ClusterFixture.Report(1, Role.Leader));
        manager.Refresh(isInterval: false);
        JsonElement before = (await GetAsync("/events?limit=1")).Body;
        _cluster.Status = _cluster.Status with { Leader = new NodeId(2), Ballot = new Ballot(7, new NodeId(2)) };
        manager.Refresh(isInterval: false);

        (HttpStatusCode code, JsonElement body) = await GetAsync($"/events?after={before.GetProperty("next")}");

        Assert.Equal(HttpStatusCode.OK, code);
        JsonElement elected = Assert.Single(
            body.GetProperty("events").EnumerateArray(),
            one => one.GetProperty("type").GetString() == "leader_elected");
        Assert.Equal(2, elected.GetProperty("node_id").GetInt32());
        Assert.Equal(7, elected.GetProperty("term").GetInt64());
        Assert.Equal("warning", elected.GetProperty("severity").GetString());
        Assert.Equal("node-2 leads, term 7", elected.GetProperty("message").GetString());
        Assert.Equal(0, body.GetProperty("dropped").GetInt64());
    }

    [Fact]
    public async Task MapHistory_logs_of_a_level_are_the_lines_at_least_as_severe()
    {
        ILogger logger = _app!.Services.GetRequiredService<LogHistory>().CreateLogger("Test");
        logger.Log(LogLevel.Information, new EventId(1, "Small"), "small", null, (state, _) => state);
        logger.Log(LogLevel.Error, new EventId(2, "Large"), "large", null, (state, _) => state);

        JsonElement body = (await GetAsync("/logs?level=warn")).Body;

        JsonElement line = Assert.Single(body.GetProperty("lines").EnumerateArray());
        Assert.Equal("error", line.GetProperty("level").GetString());
        Assert.Equal("large", line.GetProperty("message").GetString());
        Assert.Equal(2, line.GetProperty("event_id").GetInt32());
    }

    [Fact]
    public async Task MapHistory_slow_calls_say_what_took_how_long_and_whose_it_was()
    {
        _slow.Add(new SlowCall("setKey", "OK", TimeSpan.FromMilliseconds(250.5), "10.0.0.7:4711")
        {
            User = "ada",
            Keys = 1,
            FirstKey = "orders/1"u8.ToArray(),
        });

        JsonElement body = (await GetAsync("/slow")).Body;

        Assert.Equal(100, body.GetProperty("threshold_ms").GetInt32());
        JsonElement call = Assert.Single(body.GetProperty("calls").EnumerateArray());
        Assert.Equal("setKey", call.GetProperty("method").GetString());
        Assert.Equal(250.5, call.GetProperty("duration_ms").GetDouble());
        Assert.Equal("ada", call.GetProperty("user").GetString());
        Assert.Equal("orders/1"u8.ToArray(), call.GetProperty("key").GetBytesFromBase64());
        Assert.False(call.TryGetProperty("trace_id", out _));
    }

    [Fact]
    public async Task MapHistory_heat_has_ranges_with_a_number_for_each_window()
    {
        _heat.Add([new CallKey("orders", "a"u8.ToArray())], isWrite: true);

        JsonElement body = (await GetAsync("/heat?ranges=4")).Body;

        JsonElement range = Assert.Single(body.GetProperty("ranges").EnumerateArray());
        Assert.Equal("orders", range.GetProperty("column_family").GetString());
        Assert.Equal(KeyHeat.Sampling, range.GetProperty("writes")[0].GetInt64());
        Assert.Equal(body.GetProperty("windows").GetArrayLength(), range.GetProperty("reads").GetArrayLength());
        Assert.Equal("a"u8.ToArray(), body.GetProperty("hot_keys")[0].GetProperty("first_key").GetBytesFromBase64());
    }

    [Fact]
    public async Task MapHistory_log_has_the_ballots_of_each_slot()
    {
        var effects = new Effects();
        var ballot = new Ballot(4, new NodeId(1));
        effects.Append.Add(new LogEntry(new Slot(1), ballot, Value.NoOp(ballot)));
        _log.Write([effects]);

        JsonElement body = (await GetAsync("/log?from=1&limit=5")).Body;

        Assert.Equal("follower", body.GetProperty("role").GetString());
        JsonElement slot = Assert.Single(body.GetProperty("slots").EnumerateArray());
        Assert.Equal("no_op", slot.GetProperty("kind").GetString());
        Assert.Equal(4, slot.GetProperty("accepted").GetProperty("round").GetInt64());
        Assert.Equal(1, slot.GetProperty("accepted").GetProperty("node_id").GetInt32());
        Assert.True(slot.GetProperty("is_applied").GetBoolean());
    }

    [Fact]
    public async Task MapHistory_config_says_what_is_in_force_and_no_secret()
    {
        JsonElement body = (await GetAsync("/config")).Body;

        var settings = body.GetProperty("settings").EnumerateArray()
            .ToDictionary(setting => setting.GetProperty("name").GetString()!);
        JsonElement election = settings["consensus.election_timeout_ms"];
        Assert.Equal("1234", election.GetProperty("value").GetString());
        Assert.False(election.GetProperty("is_default").GetBoolean());
        Assert.Contains("kvcloud.toml", election.GetProperty("source").GetString(), StringComparison.Ordinal);
        Assert.True(settings["security.auth_token"].GetProperty("is_set").GetBoolean());
        Assert.True(settings["cluster.node_timeout_ms"].GetProperty("is_default").GetBoolean());
        Assert.DoesNotContain("do-not-tell", body.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(SettingsCatalog.All.Count, settings.Count);
    }

    [Theory]
    [InlineData("/events?after=soon", "after: 'soon' is no number from 0 to 9223372036854775807")]
    [InlineData("/events?limit=0", "limit: '0' is no number from 1 to 1000")]
    [InlineData("/heat?ranges=1000", "ranges: '1000' is no number from 1 to 128")]
    [InlineData("/log?from=0", "from: '0' is no number from 1 to 9223372036854775607")]
    [InlineData("/log?limit=201", "limit: '201' is no number from 1 to 200")]
    [InlineData("/logs?level=loud", "level: 'loud' is none of trace, debug, info, warn, error, critical")]
    public async Task MapHistory_parameter_that_is_wrong_is_refused_by_name(string path, string message)
    {
        (HttpStatusCode code, JsonElement body) = await GetAsync(path);

        Assert.Equal(HttpStatusCode.BadRequest, code);
        Assert.Equal("INVALID_ARGUMENT", body.GetProperty("code").GetString());
        Assert.Equal(message, body.GetProperty("message").GetString());
    }

    [Fact]
    public async Task MapRootPage_as_json_says_who_this_is_and_every_link_answers()
    {
        (HttpStatusCode code, JsonElement body) = await GetAsync("/");

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Equal(0, body.GetProperty("node_id").GetInt32());
        Assert.Equal("kvcloud", body.GetProperty("cluster_id").GetString());
        Assert.Equal("follower", body.GetProperty("role").GetString());
        Assert.Equal("localhost:9091", body.GetProperty("leader").GetString());
        Assert.False(string.IsNullOrEmpty(body.GetProperty("version").GetString()));
        string[] links = [.. body.GetProperty("links").EnumerateObject().Select(link => link.Value.GetString()!)];
        Assert.Equal(
            [
                "/health", "/alive", "/status", "/events", "/logs", "/slow", "/heat", "/log", "/config", "/metrics",
            ],
            links);
        foreach (string link in links)
        {
            using HttpResponseMessage response = await _client.GetAsync(link);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Fact]
    public async Task MapRootPage_for_a_browser_is_a_page()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Accept.ParseAdd("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        using HttpResponseMessage response = await _client.SendAsync(request);
        string page = await response.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("<h1>node-0 of kvcloud</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<a href=\"/health\">", page, StringComparison.Ordinal);
        Assert.Contains("follower; leader: localhost:9091", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MapNodeEndpoints_metrics_has_what_the_documentation_names()
    {
        string body = await _client.GetStringAsync("/metrics");

        Assert.Contains("\nkvcloud_replica_applied_slot", body, StringComparison.Ordinal);
        Assert.Contains("\nkvcloud_replica_role", body, StringComparison.Ordinal);
        Assert.Contains("health=\"healthy\"", body, StringComparison.Ordinal);
        Assert.Contains("kvcloud_peer_sent_bytes_total", body, StringComparison.Ordinal);
    }

    private async Task<(HttpStatusCode Code, JsonElement Body)> GetAsync(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(path);
        string text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonDocument.Parse(text).RootElement);
    }
}
