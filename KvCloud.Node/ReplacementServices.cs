using KvCloud.Node.Configuration;
using KvCloud.Node.Replacement;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Group;
using KvCloud.Node.Tls;
using KvCloud.Node.Transport;

namespace KvCloud.Node;

/// <summary>Registers what brings a replica back by itself whose disk was lost.</summary>
internal static class ReplacementServices
{
    public static IServiceCollection AddReplacement(this IServiceCollection services)
    {
        services.AddSingleton<IGroupCalls>(provider => new GroupClient(
            provider.GetRequiredService<NodeTopology>(),
            provider.GetRequiredService<NodeOptions>(),
            provider.GetService<CertificateStore>()));
        services.AddSingleton(provider => new LostDisk(
            provider.GetRequiredService<NodeTopology>(),
            provider.GetRequiredService<ReplicaStorage>(),
            provider.GetRequiredService<Bootstrap>(),
            provider.GetRequiredService<IGroupCalls>(),
            members => Introduce(provider, members),
            provider.GetRequiredService<HostRestart>().Request,
            () => provider.GetRequiredService<Replica>().Removed(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<LostDisk>>()));
        services.AddSingleton(provider => new PlaceRequest(
            provider.GetRequiredService<NodeTopology>(),
            provider.GetRequiredService<ReplicaStorage>().Directory,
            () => provider.GetRequiredService<Replica>().Driver.Status,
            provider.GetRequiredService<IGroupCalls>(),
            members => Introduce(provider, members),
            provider.GetRequiredService<HostRestart>().Request,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PlaceRequest>>()));
        services.AddHostedService(provider => provider.GetRequiredService<LostDisk>());
        services.AddHostedService(provider => provider.GetRequiredService<PlaceRequest>());
        return services;
    }

    /// <summary>A peer refuses this node for good: it ends where it was removed, unless it takes another id.</summary>
    public static void Refused(this IServiceProvider provider, int peer, PeerRefusal refusal)
    {
        if (!provider.GetRequiredService<LostDisk>().TryHandle(peer, refusal)
            && !provider.GetRequiredService<PlaceRequest>().TryHandle(refusal)
            && refusal == PeerRefusal.Removed)
        {
            provider.GetRequiredService<Replica>().Removed();
        }
    }

    /// <summary>
    /// The configuration may name peers that have been replaced themselves. The ids of this place are no peers, and
    /// those that are configured stay where they are configured.
    /// </summary>
    private static void Introduce(IServiceProvider provider, IReadOnlyList<SeenMember> members)
    {
        NodeTopology topology = provider.GetRequiredService<NodeTopology>();
        if (provider.GetRequiredService<IConsensusTransport>() is TcpTransport transport)
        {
            transport.Introduce(members
                .Where(member => member.Id != topology.SelfId && !topology.Ids.Former.Contains(member.Id))
                .ToDictionary(
                    member => member.Id,
                    member => topology.Replicas.Any(replica => replica.NodeId == member.Id)
                        ? ""
                        : member.PeerEndpoint));
        }
    }
}
