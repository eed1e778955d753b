using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using KvCloud.LocalCluster;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvCloud.Tests.Aspire;

/// <summary>
/// What the AppHost declares, as Aspire understands it; nothing is started, so that neither a dashboard nor
/// containers are needed.
/// </summary>
public sealed class AspireModelTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string _dataRoot = Directory.CreateTempSubdirectory("kvcloud-aspire-").FullName;
    private DistributedApplication? _application;

    private List<ProjectResource> Nodes => [.. _application!.Services.GetRequiredService<DistributedApplicationModel>()
        .Resources.OfType<ProjectResource>().OrderBy(r => r.Name, StringComparer.Ordinal)];

    public async Task InitializeAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        IDistributedApplicationTestingBuilder builder = await DistributedApplicationTestingBuilder
            .CreateAsync<Projects.KvCloud_AppHost>(
                ["--replicas", "5", "--base-port", "17090", "--data", _dataRoot, "--cluster-id", "blue"], limit.Token);
        _application = await builder.BuildAsync(limit.Token);
    }

    public async Task DisposeAsync()
    {
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }

        Directory.Delete(_dataRoot, recursive: true);
    }

    [Fact]
    public void Model_replicas_oneProjectResourceEach() =>
        Assert.Equal(["node-0", "node-1", "node-2", "node-3", "node-4"], Nodes.Select(n => n.Name));

    [Fact]
    public void Model_endpoints_fixedPortsWithoutProxy()
    {
        foreach ((ProjectResource node, int i) in Nodes.Select((n, i) => (n, i)))
        {
            var endpoints = node.Annotations.OfType<EndpointAnnotation>().OrderBy(e => e.Port).ToList();

            Assert.Equal(["thrift", "peer", "http"], endpoints.Select(e => e.Name));
            Assert.Equal([17090 + i, 17190 + i, 17290 + i], endpoints.Select(e => e.Port!.Value));
            Assert.Equal(endpoints.Select(e => e.Port), endpoints.Select(e => e.TargetPort));
            Assert.Equal(["tcp", "tcp", "http"], endpoints.Select(e => e.UriScheme));
            Assert.All(endpoints, e => Assert.False(e.IsProxied));
            Assert.All(endpoints, e => Assert.Equal(ProtocolType.Tcp, e.Protocol));
        }
    }

    [Fact]
    public void Model_replicas_waitForNobody() =>
        Assert.All(Nodes, n => Assert.Empty(n.Annotations.OfType<WaitAnnotation>()));

    [Fact]
    public void Model_replicas_haveAHealthCheck() =>
        Assert.All(Nodes, n => Assert.Single(n.Annotations.OfType<HealthCheckAnnotation>()));

    /// <summary>
    /// Word for word what the other orchestrator hands to a plain process, but for how each calls this machine.
    /// </summary>
    [Fact]
    public async Task Model_environment_asOfThePlainProcess()
    {
        Allocate();
        Topology topology = Topology.Create(5, 17090, dataRoot: _dataRoot) with { ClusterId = "blue" };
        var run = new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run);
        foreach ((ProjectResource node, Replica replica) in Nodes.Zip(topology.Replicas))
        {
            IExecutionConfigurationResult result = await ExecutionConfigurationBuilder.Create(node)
                .WithEnvironmentVariablesConfig()
                .BuildAsync(run, NullLogger.Instance);
            Dictionary<string, string> actual = result.EnvironmentVariables.ToDictionary();

            foreach ((string name, string value) in NodeEnvironment.ForProcess(topology, replica))
            {
                // Aspire has the parent's part itself, and names the resource in telemetry when it starts it.
                if (name is NodeEnvironment.ParentProcessId or NodeEnvironment.ServiceName)
                {
                    continue;
                }

                Assert.True(actual.TryGetValue(name, out string? given), $"{node.Name} lacks {name}");
                Assert.Equal(value, given.Replace("localhost", topology.Host, StringComparison.Ordinal));
            }

            Assert.DoesNotContain("ASPNETCORE_URLS", actual.Keys);
        }
    }

    /// <summary>What the orchestrator does before it starts anything.</summary>
    private void Allocate()
    {
        foreach (EndpointAnnotation endpoint in Nodes.SelectMany(n => n.Annotations.OfType<EndpointAnnotation>()))
        {
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", endpoint.Port!.Value);
        }
    }
}
