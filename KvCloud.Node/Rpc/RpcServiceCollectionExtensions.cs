using KvCloud.Node.Access;
using KvCloud.Node.Cluster;
using KvCloud.Node.History;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Routing;
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
            ? new JwtLogin(provided, new JwtKeys(
                time,
                new JwtKeySource(provided.Keys, provided.KeysCa, time).ReadAsync,
                reason => audit.KeysNotRead(provided.Keys, reason)), time)
            : null;
        var readIndex = new SharedReadIndex(
            () => ReadIndexAsync(
                provider.GetRequiredService<RoutingManager>(),
                provider.GetRequiredService<IReplicaClock>().NowMs + (long)options.ReadIndexTimeout.TotalMilliseconds),
            time);
        return new Authenticator(() => reader.Access, options, time, audit, jwt, readIndex);
    }

    /// <summary>A login belongs to a connection, and so has to wait for this replica.</summary>
    private static async ValueTask<ReadIndexOutcome> ReadIndexAsync(RoutingManager routing, long deadlineMs)
    {
        ReadAdmission admission = await routing.CatchUpAsync(deadlineMs).ConfigureAwait(false);
        return new ReadIndexOutcome(admission.Code, admission.Message);
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
        services.AddSingleton(
            provider => new ScanPool(options.Limits, provider.GetRequiredService<IReplicaClock>()));
        services.AddSingleton(NewFlows);
        services.AddSingleton<ICpuLoad, CpuLoad>();
        services.AddSingleton<PacingThread>();
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

    /// <summary>Writes that peers forward count for the same callers; without a replica there are none.</summary>
    private static RpcFlows NewFlows(IServiceProvider provider)
    {
        IReplicaClock clock = provider.GetRequiredService<IReplicaClock>();
        return new RpcFlows(
            provider.GetRequiredService<RpcOptions>().Limits,
            clock,
            provider.GetService<RoutingManager>()?.WriteFlows ?? new WriteFlows(clock));
    }

    /// <summary>
    /// Serves Thrift clients on a port: <c>kestrel.ListenAnyIP(port, listen => listen.ListenForRpc())</c>.
    /// </summary>
    public static void ListenForRpc(this ListenOptions listen) => listen.UseConnectionHandler<RpcServer>();
}
