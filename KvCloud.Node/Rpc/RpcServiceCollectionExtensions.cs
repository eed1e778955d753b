using KvCloud.Node.Access;
using KvCloud.Node.Cluster;
using KvCloud.Node.History;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.State;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace KvCloud.Node.Rpc;

internal static class RpcServiceCollectionExtensions
{
    /// <summary>
    /// Serves the contract to clients. Requires the singletons <c>RoutingManager</c>, <c>KvReader</c> and
    /// <c>ClusterManager</c> (or a <c>Func&lt;ClusterView&gt;</c> instead), and <see cref="ListenForRpc"/> on a Kestrel
    /// port.
    /// </summary>
    public static IServiceCollection AddKvRpc(this IServiceCollection services, RpcOptions options) =>
        services.AddKvService().AddRpcServer(options);

    /// <summary>Registers the dispatcher and its methods without the server.</summary>
    public static IServiceCollection AddKvService(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Func<ClusterView>>(
            provider => provider.GetRequiredService<ClusterManager>().Now);
        services.AddSingleton<FaultInjector>();
        services.AddSingleton(provider => provider.GetRequiredService<RpcOptions>().Access);
        services.AddMetrics();
        services.AddSingleton<AccessMetrics>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton(NewAuthenticator);
        services.AddSingleton<CallAccess>();
        services.AddSingleton<KvBackend>();
        services.AddSingleton<IRpcDispatcher, KvDispatcher>();
        return services;
    }

    private static Authenticator NewAuthenticator(IServiceProvider provider)
    {
        AccessOptions options = provider.GetRequiredService<RpcOptions>().Access;
        TimeProvider time = provider.GetRequiredService<TimeProvider>();
        KvReader reader = provider.GetRequiredService<KvReader>();
        AuditLog audit = provider.GetRequiredService<AuditLog>();
        audit.Started(options);
        JwtLogin? jwt = options.Jwt is { } provided
            ? new JwtLogin(provided, new JwtKeys(provided.Keys, time, JwtKeys.ReadSourceAsync), time)
            : null;
        return new Authenticator(() => reader.Access, options, time, audit, jwt);
    }

    /// <summary>
    /// Registers the Thrift server for an <see cref="IRpcDispatcher"/> that the caller registers. Kestrel needs
    /// <see cref="ListenForRpc"/> as well.
    /// </summary>
    public static IServiceCollection AddRpcServer(this IServiceCollection services, RpcOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);

        // Routing and replication compare these deadlines with the replica's clock, so both must use the same one.
        services.TryAddSingleton<IReplicaClock>(provider =>
            provider.GetService<IReplicaRuntime>()?.Clock ?? new ReplicaClock(TimeProvider.System));
        services.AddSingleton(options);
        services.AddSingleton(new RpcBudget(options.Limits));
        services.AddSingleton(_ => new ScanPool(options.Limits));
        services.AddSingleton(provider => new RpcFlows(options.Limits, provider.GetRequiredService<IReplicaClock>()));
        services.AddSingleton(
            provider => new SlowCalls(provider.GetRequiredService<TimeProvider>(), options.SlowCallMs));
        services.AddSingleton<KeyHeat>();
        services.AddSingleton<CallHistory>();
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
