using KvCloud.Bench.Load;

namespace KvCloud.Bench.Compare;

/// <summary>One workload that both systems run, and KvCloud's target for it.</summary>
/// <param name="Name">The name in the JSON.</param>
/// <param name="Target">The target as shown in the table.</param>
internal sealed record CompareWork(
    string Name, OperationKind Operation, int Connections, int InFlight, string Target, double RatePerSecond = 0)
{
    /// <summary>
    /// The load at which memory is compared: the same rate for both systems, well below the limit of either.
    /// </summary>
    public const double SameRatePerSecond = 2_000;

    public const string Memory = "memory_mb";
    public const string Failover = "failover_s";

    /// <summary>Keys that exist before the first workload; gets read these.</summary>
    public const long PreloadedKeys = 10_000;

    private const long PutKeys = 1_000_000;

    public int Clients => Connections * InFlight;

    public static IReadOnlyList<CompareWork> All(bool sweep) =>
    [
        new(Memory, OperationKind.Set, 16, 64, "≤ etcd's", SameRatePerSecond),
        new("put_1", OperationKind.Set, 1, 1, "p50 ≤ 0.5"),
        .. sweep ? [new("put_4", OperationKind.Set, 4, 1, "-"),
            new CompareWork("put_16", OperationKind.Set, 16, 1, "-")]
            : (CompareWork[])[],
        new("put_64", OperationKind.Set, 16, 4, "≥ 3, CPU ≤ 20 µs"),
        new("put_256", OperationKind.Set, 64, 4, "≥ 5, p99 ≤ 0.25"),
        new("put_1000", OperationKind.Set, 100, 10, "≥ 5, p99 ≤ 0.25"),
        new("get_linearizable_256", OperationKind.GetLeader, 64, 4, "≥ 10, CPU ≤ 15 µs"),
        new("get_local_256", OperationKind.GetLocal, 64, 4, "≥ 10, CPU ≤ 10 µs"),
    ];

    public LoadOptions Load(DriverKind driver, IReadOnlyList<string> endpoints, CompareOptions options) => new()
    {
        Driver = driver,
        Endpoints = endpoints,

        // Local reads use one member as well. On cores that all members share, larger batches on one member cost etcd a
        // quarter less CPU time than smaller batches on three, and etcd is measured at its best.
        Target = TargetKind.Leader,
        Mix = OperationMix.Of(Operation),
        Connections = Connections,
        InFlight = InFlight,
        RatePerSecond = RatePerSecond,
        Keys = Operation == OperationKind.Set ? PutKeys : PreloadedKeys,
        Warmup = options.Warmup,
        Duration = options.Duration,
    };
}
