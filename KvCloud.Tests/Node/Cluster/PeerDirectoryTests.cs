using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Tests.Node.Cluster;

public sealed class PeerDirectoryTests
{
    [Theory]
    [InlineData("services:node-1:peer:0", "localhost:9191")]
    [InlineData("services:node-1:peer:0", "tcp://localhost:9191")]
    [InlineData("services:node-1:tcp:0", "localhost:9191")]
    [InlineData("services:node-1:tcp:0", "tcp://localhost:9191")]
    public async Task ResolveAsync_a_service_name_finds_what_the_orchestrator_handed_in(string key, string value)
    {
        await using ServiceProvider services = Services(new() { [key] = value });

        Assert.Equal("localhost:9191", await Directory(services).ResolveAsync(1, default));
    }

    [Fact]
    public async Task ResolveAsync_an_address_is_found_too()
    {
        await using ServiceProvider services = Services(new() { ["services:node-1:peer:0"] = "10.0.0.7:9191" });

        Assert.Equal("10.0.0.7:9191", await Directory(services).ResolveAsync(1, default));
    }

    [Fact]
    public async Task ResolveAsync_an_unconfigured_service_is_a_host_at_the_default_peer_port()
    {
        await using ServiceProvider services = Services([]);

        Assert.Equal("node-1:9191", await Directory(services).ResolveAsync(1, default));
    }

    [Fact]
    public async Task ResolveAsync_a_literal_stands_beside_names()
    {
        await using ServiceProvider services = Services([]);

        Assert.Equal("localhost:9192", await Directory(services).ResolveAsync(2, default));
    }

    [Fact]
    public async Task ResolveAsync_after_a_change_finds_the_new_endpoint()
    {
        Dictionary<string, string?> settings = new() { ["services:node-1:peer:0"] = "localhost:1111" };
        await using ServiceProvider services = Services(settings);
        ServiceDiscoveryPeerDirectory directory = Directory(services);
        Assert.Equal("localhost:1111", await directory.ResolveAsync(1, default));

        var configuration = (IConfigurationRoot)services.GetRequiredService<IConfiguration>();
        configuration["services:node-1:peer:0"] = "localhost:2222";
        configuration.Reload();

        Assert.Equal("localhost:2222", await directory.ResolveAsync(1, default));
    }

    [Fact]
    public async Task ResolveAsync_a_stranger_is_told_so()
    {
        await using ServiceProvider services = Services([]);

        PeerUnresolvedException exception = await Assert.ThrowsAsync<PeerUnresolvedException>(
            async () => await Directory(services).ResolveAsync(9, default));
        Assert.Equal("node-9 is not among the 3 replicas configured", exception.Message);
        await Assert.ThrowsAsync<PeerUnresolvedException>(
            async () => await new LiteralPeerDirectory(Topology("a:1")).ResolveAsync(9, default));
    }

    [Fact]
    public async Task ResolveAsync_literal_is_as_configured()
    {
        Assert.Equal("a:1", await new LiteralPeerDirectory(Topology("a:1")).ResolveAsync(1, default));
    }

    private static ServiceDiscoveryPeerDirectory Directory(ServiceProvider services) =>
        new(Topology("_peer.node-1"), services.GetRequiredService<ServiceEndpointResolver>());

    private static ServiceProvider Services(Dictionary<string, string?> settings)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        return new ServiceCollection()
            .AddSingleton(configuration)
            .AddLogging()
            .AddServiceDiscovery()
            .BuildServiceProvider();
    }

    private static NodeTopology Topology(string peerOne) => NodeTopology.From(new NodeOptions
    {
        Deployment = new DeploymentOptions
        {
            Mode = DeploymentMode.Replicated,
            ReplicaEndpoints = ["localhost:9090", "localhost:9091", "localhost:9092"],
        },
        Consensus = new ConsensusOptions { Endpoints = ["_peer.node-0", peerOne, "localhost:9192"] },
    });
}
