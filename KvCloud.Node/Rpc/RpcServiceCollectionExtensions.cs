using KvCloud.Node.Cluster;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace KvCloud.Node.Rpc;

internal static class RpcServiceCollectionExtensions
{
    /// <summary>
    /// Serves the contract to clients. Needs as singletons: <c>RoutingManager</c>, <c>KvReader</c>, and
    /// <c>ClusterManager</c> (or a <c>Func&lt;ClusterView&gt;</c> instead); and <see cref="ListenForRpc"/> on a Kestrel
    /// port.
    /// </summary>
    public static IServiceCollection AddKvRpc(this IServiceCollection services, RpcOptions options) =>
        services.AddKvService().AddRpcServer(options);

    /// <summary>What stands behind the server, without it.</summary>
    public static IServiceCollection AddKvService(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Func<ClusterView>>(
            provider => () => provider.GetRequiredService<ClusterManager>().View);
        services.AddSingleton<FaultInjector>();
        services.AddSingleton<KvBackend>();
        services.AddSingleton<IRpcDispatcher, KvDispatcher>();
        return services;
    }

    /// <summary>
    /// The Thrift server, over an <see cref="IRpcDispatcher"/> that is registered beside it. Kestrel needs
    /// <see cref="ListenForRpc"/> besides.
    /// </summary>
    public static IServiceCollection AddRpcServer(this IServiceCollection services, RpcOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);

        // Deadlines are told to routing and replication, so they must be by the replica's clock.
        services.TryAddSingleton<IReplicaClock>(provider =>
            provider.GetService<IReplicaRuntime>()?.Clock ?? new ReplicaClock(TimeProvider.System));
        services.AddSingleton(options);
        services.AddSingleton(new RpcBudget(options.Limits));
        services.AddSingleton(_ => new ScanPool(options.Limits));
        services.AddSingleton<RpcStatistics>();
        services.AddSingleton<RpcServer>();
        services.AddHostedService(provider => provider.GetRequiredService<RpcServer>());
        services.Configure<SocketTransportOptions>(socket => socket.MaxReadBufferSize = options.Limits.ReadBufferBytes);
        return services;
    }

    /// <summary>
    /// Serves Thrift clients on a port: <c>kestrel.ListenAnyIP(port, listen => listen.ListenForRpc())</c>.
    /// </summary>
    public static void ListenForRpc(this ListenOptions listen) => listen.UseConnectionHandler<RpcServer>();
}
