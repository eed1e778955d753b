using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Drivers;

/// <summary>Creates drivers by name.</summary>
internal static class DriverFactory
{
    public static ILeaderFinder LeaderFinder(DriverKind driver) =>
        driver is DriverKind.Etcd or DriverKind.EtcdGrpc ? new EtcdLeaderFinder() : new ThriftLeaderFinder();

    public static LoadRun Start(
        LoadOptions options, LoadData material, EndpointChooser endpoints, RunClock clock,
        CancellationToken cancellationToken) =>
        options.Driver switch
        {
            DriverKind.ThriftPipelined =>
                new WireRun(options, material, endpoints, clock, _ => new ThriftProtocol(), cancellationToken),
            DriverKind.Etcd =>
                new WireRun(
                    options, material, endpoints, clock, endpoint => new EtcdProtocol(endpoint), cancellationToken),
            DriverKind.Thrift =>
                new WorkerRun(options, material, new ThriftDriver(endpoints), clock, cancellationToken),
            DriverKind.EtcdGrpc =>
                new WorkerRun(options, material, new EtcdGrpcDriver(endpoints), clock, cancellationToken),
            DriverKind.Kvcloud =>
                new WorkerRun(options, material, new KvCloudDriver(options), clock, cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Driver, null),
        };
}
