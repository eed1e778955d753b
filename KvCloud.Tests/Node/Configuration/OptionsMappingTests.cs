using KvCloud.Node.Configuration;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Configuration;

public sealed class OptionsMappingTests : IDisposable
{
    private readonly SettingsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void ToReplicationOptions_and_others_of_the_defaults_are_those_of_the_rooms()
    {
        NodeOptions options = _fixture.Load().Options;

        Assert.Equal(new ReplicationOptions(), options.ToReplicationOptions());
        Assert.Equal(new RoutingOptions(), options.ToRoutingOptions());
        Assert.Equal(new TransportOptions(), options.ToTransportOptions());
        Assert.Equal(new RpcLimits(), options.ToRpcOptions().Limits);
        Assert.Empty(options.ToRpcOptions().Limits.Validate());
    }

    [Fact]
    public void ToPeerRelease_says_what_this_program_speaks_unless_a_setting_says_less()
    {
        Assert.Equal(
            (NodeVersion.Text, 3, 5), Wire(_fixture.Load().Options));
        Assert.Equal(
            (NodeVersion.Text, 3, 3), Wire(_fixture.Load("[cluster]\nmax_wire_version = 3").Options));

        static (string, int, int) Wire(NodeOptions options)
        {
            var release = options.ToPeerRelease();
            return (release.Program, release.MinWire, release.MaxWire);
        }
    }

    [Fact]
    public void ToRpcOptions_hands_on_from_when_a_call_is_slow()
    {
        Assert.Equal(new RpcOptions().SlowCallMs, _fixture.Load().Options.ToRpcOptions().SlowCallMs);
        Assert.Equal(21, _fixture.Load("[logging]\nslow_call_ms = 21").Options.ToRpcOptions().SlowCallMs);
    }

    [Fact]
    public void ToReplicationOptions_and_others_hand_on_every_setting()
    {
        NodeOptions options = _fixture.Load(
            """
            [consensus]
            max_batch_size = 11
            max_batch_bytes = 2048
            [mvcc]
            retention_seconds = 12
            retention_versions = 13
            [reads]
            consistency_level = "leader"
            max_staleness_ms = 14
            [cluster]
            node_timeout_ms = 4000
            [security]
            auth_token = "token"
            allow_fault_injection = true
            [limits]
            max_connections = 15
            max_connections_per_address = 5
            max_in_flight_bytes_per_connection = 65539
            max_in_flight_calls_per_caller = 6
            max_in_flight_bytes_per_caller = 65540
            max_calls_per_second = 7
            max_bytes_per_second = 8
            first_message_timeout_ms = 9
            max_message_bytes = 65536
            max_in_flight_per_connection = 16
            max_in_flight_calls = 17
            max_in_flight_bytes = 65537
            read_buffer_bytes = 8192
            message_timeout_ms = 1800
            max_queued_writes = 19
            max_queued_write_bytes = 65538
            max_range_bytes = 2049
            max_concurrent_scans = 23
            max_queued_scans = 24
            max_scan_answer_bytes = 16777217
            default_timeout_ms = 20
            max_timeout_ms = 21
            drain_timeout_ms = 22
            """).Options;

        Assert.Equal(
            new ReplicationOptions
            {
                MaxBatchCommands = 11,
                MaxBatchBytes = 2048,
                Retention = new MvccRetention(12_000, 13),
                MaxQueuedWrites = 19,
                MaxQueuedWriteBytes = 65538,
            },
            options.ToReplicationOptions());
        Assert.Equal(
            new RoutingOptions { ConsistencyLevel = ReadConsistency.Leader, MaxStalenessMs = 14 },
            options.ToRoutingOptions());
        Assert.Equal(new TransportOptions { PeerTimeoutMs = 4000 }, options.ToTransportOptions());
        var rpc = options.ToRpcOptions();
        Assert.Equal((true, "token", NodeVersion.Text), (rpc.AllowFaultInjection, rpc.AdminToken, rpc.ServerVersion));
        Assert.Equal(
            new RpcLimits
            {
                MaxConnections = 15,
                MaxConnectionsPerAddress = 5,
                MaxInFlightBytesPerConnection = 65539,
                MaxInFlightCallsPerCaller = 6,
                MaxInFlightBytesPerCaller = 65540,
                MaxCallsPerSecond = 7,
                MaxBytesPerSecond = 8,
                FirstMessageTimeoutMs = 9,
                MaxMessageBytes = 65536,
                MaxInFlightCallsPerConnection = 16,
                MaxInFlightCallsPerNode = 17,
                MaxInFlightBytesPerNode = 65537,
                ReadBufferBytes = 8192,
                MessageTimeoutMs = 1800,
                DefaultTimeoutMs = 20,
                MaxTimeoutMs = 21,
                MaxRangeBytes = 2049,
                MaxConcurrentScans = 23,
                MaxQueuedScans = 24,
                MaxScanAnswerBytes = 16777217,
                DrainTimeoutMs = 22,
            },
            rpc.Limits);
    }
}
