using KvCloud.Node.Configuration;
using KvCloud.Node.Routing;

namespace KvCloud.Tests.Node.Configuration;

public sealed class NodeConfigurationTests : IDisposable
{
    private readonly SettingsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Load_the_file_of_the_architecture_has_its_values()
    {
        SettingsResult result = _fixture.Load(SettingsFixture.Architecture);

        Assert.Empty(result.Mistakes);
        NodeOptions options = result.Options;
        Assert.Equal(DeploymentMode.Replicated, options.Deployment.Mode);
        Assert.Equal(0, options.Deployment.InstanceId);
        Assert.Equal(["localhost:9090", "localhost:9091", "localhost:9092"], options.Deployment.ReplicaEndpoints);
        Assert.Equal("paxos", options.Consensus.Algorithm);
        Assert.Equal(1000, options.Consensus.ElectionTimeoutMs);
        Assert.Equal(100, options.Consensus.HeartbeatIntervalMs);
        Assert.Equal(1024, options.Consensus.MaxBatchSize);
        Assert.Equal(256, options.Consensus.MaxOutstandingProposals);
        Assert.Equal(["localhost:9190", "localhost:9191", "localhost:9192"], options.Consensus.Endpoints);
        Assert.Equal(ReadConsistency.Local, options.Reads.ConsistencyLevel);
        Assert.True(options.Reads.AllowStaleReads);
        Assert.Equal(5000, options.Reads.MaxStalenessMs);
        Assert.Equal(1000, options.Cluster.HealthCheckIntervalMs);
        Assert.Equal(3000, options.Cluster.NodeTimeoutMs);
        Assert.Equal("./data", options.Database.BasePath);
    }

    [Fact]
    public void Load_nothing_is_a_standalone_node_without_mistakes()
    {
        SettingsResult result = _fixture.Load();

        Assert.Empty(result.Mistakes);
        Assert.Equal(DeploymentMode.Standalone, result.Options.Deployment.Mode);
        Assert.Equal(400, result.Options.Consensus.ElectionTimeoutMs);
        Assert.Equal(50, result.Options.Consensus.HeartbeatIntervalMs);
        Assert.Empty(result.Origins);
    }

    [Fact]
    public void Load_every_layer_yields_to_the_one_above()
    {
        const string AppSettings = """
            {
                "KvCloud": {
                    "Limits": {
                        "MaxConnections": 1, "MaxInFlightPerConnection": 1, "MaxQueuedWrites": 1, "MaxRangeBytes": 1024
                    }
                }
            }
            """;
        const string Toml =
            "[limits]\nmax_in_flight_per_connection = 2\nmax_queued_writes = 2\nmax_range_bytes = 2048\n";
        Dictionary<string, string> environment = new()
        {
            ["KvCloud__Limits__MaxQueuedWrites"] = "3",
            ["KvCloud__Limits__MaxRangeBytes"] = "3072",
        };

        SettingsResult result = _fixture.Load(Toml, ["--limits.max_range_bytes=4096"], environment, AppSettings);

        Assert.Empty(result.Mistakes);
        Assert.Equal(1, result.Options.Limits.MaxConnections);
        Assert.Equal(2, result.Options.Limits.MaxInFlightPerConnection);
        Assert.Equal(3, result.Options.Limits.MaxQueuedWrites);
        Assert.Equal(4096, result.Options.Limits.MaxRangeBytes);
        Assert.Equal("appsettings.json", result.Origins["limits.max_connections"]);
        Assert.Equal("kvcloud.toml, line 2", result.Origins["limits.max_in_flight_per_connection"]);
        Assert.Equal(
            "environment variable KvCloud__Limits__MaxQueuedWrites", result.Origins["limits.max_queued_writes"]);
        Assert.Equal("command line --limits.max_range_bytes", result.Origins["limits.max_range_bytes"]);
    }

    [Fact]
    public void Load_a_list_is_taken_whole_from_the_strongest_layer()
    {
        Dictionary<string, string> environment = new() { ["KvCloud__Deployment__ReplicaEndpoints__0"] = "a:1" };

        SettingsResult result = _fixture.Load(SettingsFixture.Architecture, ["--consensus.endpoints="], environment);

        Assert.Empty(result.Mistakes);
        Assert.Equal(["a:1"], result.Options.Deployment.ReplicaEndpoints);
        Assert.Empty(result.Options.Consensus.Endpoints);
    }

    [Fact]
    public void Load_the_names_that_orchestrators_hand_in_are_read()
    {
        Dictionary<string, string> environment = new()
        {
            ["KvCloud__Deployment__Mode"] = "replicated",
            ["KvCloud__Deployment__InstanceId"] = "1",
            ["KvCloud__Deployment__ReplicaEndpoints__0"] = "localhost:9090",
            ["KvCloud__Deployment__ReplicaEndpoints__1"] = "localhost:9091",
            ["KvCloud__Deployment__ReplicaEndpoints__2"] = "localhost:9092",
            ["KvCloud__Consensus__Endpoints__0"] = "_peer.node-0",
            ["KvCloud__Consensus__Endpoints__1"] = "_peer.node-1",
            ["KvCloud__Consensus__Endpoints__2"] = "_peer.node-2",
            ["services__node-0__peer__0"] = "localhost:9190",
            ["KvCloud__Listen__Address"] = "127.0.0.1",
            ["KvCloud__Listen__ThriftPort"] = "19091",
            ["KvCloud__Listen__PeerPort"] = "19191",
            ["KvCloud__Listen__HttpPort"] = "19291",
            ["KvCloud__Database__BasePath"] = "/var/lib/kvcloud",
            ["KvCloud__Cluster__Id"] = "blue",
            ["KVCLOUD_PARENT_PID"] = "1",
        };

        SettingsResult result = _fixture.Load(environment: environment);

        Assert.Empty(result.Mistakes);
        var topology = NodeTopology.From(result.Options);
        Assert.Equal((1, "blue", 3), (topology.SelfId, topology.ClusterId, topology.Replicas.Count));
        Assert.Equal(("127.0.0.1", 19091, 19191, 19291),
            (topology.ListenAddress, topology.ThriftPort, topology.PeerPort, topology.HttpPort));
        Assert.Equal("/var/lib/kvcloud/node_1", topology.DataDirectory);
        Assert.Equal("_peer.node-2", topology.Replicas[2].PeerEndpoint);
        Assert.Equal("localhost:19191", topology.PeerAddress);
        Assert.Equal("localhost:9092", topology.Replicas[2].ClientEndpoint);
    }

    [Fact]
    public void Load_config_names_the_file_before_the_variable_and_the_default()
    {
        Write("kvcloud.toml", "[cluster]\nid = \"default\"\n");
        Write("variable.toml", "[cluster]\nid = \"variable\"\n");
        Write("argument.toml", "[cluster]\nid = \"argument\"\n");

        Assert.Equal("default", _fixture.Load().Options.Cluster.Id);
        Assert.Equal("variable", _fixture.Load(configVariable: "variable.toml").Options.Cluster.Id);
        Assert.Equal(
            "argument",
            _fixture.Load(configVariable: "variable.toml", args: ["--config", "argument.toml"]).Options.Cluster.Id);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Load_fault_injection_follows_the_environment_where_it_is_not_set(bool isDevelopment, bool expected)
    {
        Assert.Equal(expected, _fixture.Load(isDevelopment: isDevelopment).Options.Security.AllowFaultInjection);
        Assert.Equal(
            !expected,
            _fixture.Load(
                $"[security]\nallow_fault_injection = {(!expected ? "true" : "false")}", isDevelopment: isDevelopment)
                .Options.Security.AllowFaultInjection);
    }

    [Fact]
    public void Load_without_stale_reads_reads_are_linearizable()
    {
        SettingsResult result = _fixture.Load("[reads]\nallow_stale_reads = false\n");

        Assert.Empty(result.Mistakes);
        Assert.Equal(ReadConsistency.ReadIndex, result.Options.Reads.ConsistencyLevel);
    }

    [Fact]
    public void Load_the_file_of_the_existing_server_keeps_its_knobs()
    {
        const string Knobs =
            """
            [rocksdb]
            write_buffer_size_mb = 16
            max_write_buffer_number = 4
            block_cache_size_mb = 512
            block_size_kb = 16
            max_background_jobs = 6
            bytes_per_sync = 0
            dynamic_level_bytes = false
            [bloom_filter]
            enabled = true
            bits_per_key = 12
            [compression]
            l0_compression = "lz4"
            l1_compression = "lz4"
            bottom_compression = "zstd"
            [concurrency]
            max_read_concurrency = 32
            [compaction]
            compaction_priority = "min_overlapping_ratio"
            target_file_size_base_mb = 64
            target_file_size_multiplier = 2
            max_bytes_for_level_base_mb = 256
            max_bytes_for_level_multiplier = 10
            [cache]
            cache_index_and_filter_blocks = true
            pin_l0_filter_and_index_blocks_in_cache = true
            high_priority_pool_ratio = 0.25
            [memory]
            write_buffer_manager_limit_mb = 256
            enable_write_buffer_manager = true
            [logging]
            log_level = "info"
            max_log_file_size_mb = 10
            keep_log_file_num = 5
            [performance]
            statistics_level = "except_detailed_timers"
            enable_statistics = false
            stats_dump_period_sec = 600
            """;

        SettingsResult result = _fixture.Load(Knobs);

        Assert.Empty(result.Mistakes);
        Assert.Equal(16, result.Options.Rocksdb.WriteBufferSizeMb);
        Assert.False(result.Options.Rocksdb.DynamicLevelBytes);
        Assert.Equal(12, result.Options.BloomFilter.BitsPerKey);
        Assert.Equal("lz4", result.Options.Compression.L0Compression);
        Assert.Equal(0.25, result.Options.Cache.HighPriorityPoolRatio);
        Assert.Equal(600, result.Options.Performance.StatsDumpPeriodSec);
    }

    private void Write(string name, string text) =>
        File.WriteAllText(Path.Combine(_fixture.WorkingDirectory, name), text);
}
