using System.Net;

namespace KvCloud.Bench.Load;

internal enum DriverKind
{
    /// <summary>KvCloud through its own client library.</summary>
    Kvcloud,

    /// <summary>KvCloud with plain Thrift: Apache's generated client, one call at a time per connection.</summary>
    Thrift,

    /// <summary>
    /// KvCloud with Thrift implemented by this generator's own loop, many calls in flight per connection.
    /// </summary>
    ThriftPipelined,

    /// <summary>etcd v3 with gRPC implemented by this generator's own loop, many streams per connection.</summary>
    Etcd,

    /// <summary>etcd v3 through Grpc.Net.Client.</summary>
    EtcdGrpc,
}

internal enum TargetKind
{
    /// <summary>The leader if the mix needs it, else all members.</summary>
    Auto,
    Leader,
    All,
    Followers,
}

/// <summary>One run of the load generator.</summary>
internal sealed record LoadOptions
{
    public DriverKind Driver { get; init; } = DriverKind.ThriftPipelined;

    /// <summary>Client endpoints, host:port.</summary>
    public required IReadOnlyList<string> Endpoints { get; init; }

    public TargetKind Target { get; init; } = TargetKind.Auto;

    public OperationMix Mix { get; init; } = OperationMix.Of(OperationKind.Set);

    public int KeySizeBytes { get; init; } = 16;

    public int ValueSizeBytes { get; init; } = 100;

    /// <summary>Size of the key space.</summary>
    public long Keys { get; init; } = 100_000;

    /// <summary>Keys written in order before the run; 0 for none.</summary>
    public long Preload { get; init; }

    public KeyDistribution Distribution { get; init; } = KeyDistribution.Uniform;

    public double Theta { get; init; } = 0.99;

    public int Connections { get; init; } = 16;

    /// <summary>Calls in flight per connection.</summary>
    public int InFlight { get; init; } = 4;

    /// <summary>Calls per second in an open loop; 0 for a closed loop.</summary>
    public double RatePerSecond { get; init; }

    /// <summary>Calls after which a closed loop of one thread ends; 0 for no limit.</summary>
    public long Calls { get; init; }

    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Rows a range reads.</summary>
    public int RangeLimit { get; init; } = 100;

    /// <summary>Sets in a transaction.</summary>
    public int CommitSize { get; init; } = 4;

    /// <summary>Whether writes of KvCloud's client library carry an identity that makes them exactly-once.</summary>
    public bool ExactlyOnce { get; init; }

    /// <summary>How KvCloud's client library speaks TLS; null: it does not.</summary>
    public LoadTls? Tls { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of the generator that drive connections (own loops only).</summary>
    public int Loops { get; init; } = 1;

    /// <summary>Processes whose CPU time and memory count as the servers'.</summary>
    public IReadOnlyList<int> ServerPids { get; init; } = [];

    public bool Progress { get; init; }

    /// <summary>
    /// Local addresses that connections are made from in turn, so that a server sees several callers; empty to let the
    /// system choose. On Linux all of 127.0.0.0/8 is local. Own loops only.
    /// </summary>
    public IReadOnlyList<IPAddress> SourceAddresses { get; init; } = [];

    public int Clients => Connections * InFlight;

    public TargetKind EffectiveTarget =>
        Target != TargetKind.Auto ? Target : Mix.NeedsLeader ? TargetKind.Leader : TargetKind.All;

    public void Validate()
    {
        Require(Endpoints.Count > 0, "--endpoints is empty");
        Require(
            Tls is null || Driver == DriverKind.Kvcloud,
            "--tls, --ca, --cert and --key are for --driver kvcloud, the only one that speaks TLS");
        Require(Connections is >= 1 and <= 20_000, $"--connections {Connections} must lie between 1 and 20000");
        Require(InFlight is >= 1 and <= 65_536, $"--in-flight {InFlight} must lie between 1 and 65536");
        Require(ValueSizeBytes is >= 0 and <= 16 << 20, $"--value-size {ValueSizeBytes} must lie between 0 and 16 MiB");
        Require(RatePerSecond >= 0, $"--rate {RatePerSecond} must not be negative");
        Require(Duration > TimeSpan.Zero, "--duration must be above 0");
        Require(Warmup >= TimeSpan.Zero, "--warmup must not be negative");
        Require(RangeLimit >= 1, $"--range-limit {RangeLimit} must be 1 or more");
        Require(CommitSize is >= 1 and <= 128, $"--commit-size {CommitSize} must lie between 1 and 128");
        Require(Loops is >= 1 and <= 64, $"--loops {Loops} must lie between 1 and 64");
        Require(Preload >= 0 && Preload <= Keys, $"--preload {Preload} must lie between 0 and --keys {Keys}");
        _ = new KeySpace(Keys, KeySizeBytes);
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new BenchException(otherwise);
        }
    }
}
