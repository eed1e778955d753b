using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using KvCloud.Tests.Live;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvCloud.Tests.Aspire;

/// <summary>What our AppHost declares, as Aspire understands it; nothing is started.</summary>
[Collection(LiveCollection.Name)]
public sealed class AspireModelTests(AspireModelTests.AppHostModel appHost)
    : IClassFixture<AspireModelTests.AppHostModel>
{
    private KvCloudResource Cluster => Assert.Single(appHost.Model.Resources.OfType<KvCloudResource>());

    private List<ProjectResource> Nodes =>
    [
        .. appHost.Model.Resources.OfType<ProjectResource>()
            .Where(resource => resource.Name != "kv-console").OrderBy(r => r.Name, StringComparer.Ordinal),
    ];

    [Fact]
    public void AddKvCloud_replicas_are_one_project_resource_each_below_the_cluster()
    {
        Assert.Equal("kv", Cluster.Name);
        Assert.Equal(["kv-0", "kv-1", "kv-2", "kv-3", "kv-4"], Nodes.Select(n => n.Name));
        Assert.Equal(Nodes, Cluster.Replicas.Select(r => r.Resource));
        Assert.All(Nodes, node => Assert.Contains(
            node.Annotations.OfType<ResourceRelationshipAnnotation>(),
            relationship => relationship.Type == "Parent" && relationship.Resource == Cluster));
    }

    [Fact]
    public void AddKvCloud_endpoints_have_fixed_ports_without_proxy()
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
    public void AddKvCloud_replicas_wait_for_nobody() =>
        Assert.All(Nodes, n => Assert.Empty(n.Annotations.OfType<WaitAnnotation>()));

    [Fact]
    public void AddKvCloud_replicas_have_one_health_check_each()
    {
        Assert.All(Nodes, n => Assert.Single(n.Annotations.OfType<HealthCheckAnnotation>()));
        Assert.Single(Cluster.Annotations.OfType<HealthCheckAnnotation>());
    }

    [Fact]
    public void AddKvCloud_commands_that_hurt_ask_first()
    {
        foreach (ProjectResource node in Nodes)
        {
            var commands = node.Annotations
                .OfType<ResourceCommandAnnotation>()
                .ToDictionary(command => command.Name);

            Assert.Contains(node.Name, commands["kvcloud-kill"].ConfirmationMessage);
            Assert.Contains(node.Name, commands["kvcloud-pause"].ConfirmationMessage);
        }
    }

    [Fact]
    public async Task AddKvCloud_environment_has_identity_ports_peers_and_data()
    {
        var run = new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run);
        foreach ((ProjectResource node, int i) in Nodes.Select((n, i) => (n, i)))
        {
            IExecutionConfigurationResult result = await ExecutionConfigurationBuilder.Create(node)
                .WithEnvironmentVariablesConfig()
                .BuildAsync(run, NullLogger.Instance);
            var actual = result.EnvironmentVariables.ToDictionary();

            var expected = new Dictionary<string, string>
            {
                ["KvCloud__Deployment__Mode"] = "replicated",
                ["KvCloud__Deployment__InstanceId"] = $"{i}",
                ["KvCloud__Listen__Address"] = "localhost",
                ["KvCloud__Listen__ThriftPort"] = $"{17090 + i}",
                ["KvCloud__Listen__PeerPort"] = $"{17190 + i}",
                ["KvCloud__Listen__HttpPort"] = $"{17290 + i}",
                ["KvCloud__Database__BasePath"] = appHost.DataRoot,
                ["KvCloud__Cluster__Id"] = "kv",
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
            };
            for (int other = 0; other < 5; other++)
            {
                expected[$"KvCloud__Deployment__ReplicaEndpoints__{other}"] = $"localhost:{17090 + other}";
                expected[$"KvCloud__Consensus__Endpoints__{other}"] = $"_peer.kv-{other}";
                expected[$"services__kv-{other}__peer__0"] = $"tcp://localhost:{17190 + other}";
            }

            Assert.Equal(
                expected.OrderBy(v => v.Key, StringComparer.Ordinal),
                actual.Where(v => expected.ContainsKey(v.Key)
                        || v.Key.StartsWith("KvCloud__", StringComparison.Ordinal)
                        || v.Key.StartsWith("services__", StringComparison.Ordinal))
                    .OrderBy(v => v.Key, StringComparer.Ordinal));
            Assert.DoesNotContain("ASPNETCORE_URLS", actual.Keys);
        }
    }

    [Fact]
    public async Task WithConsole_is_a_resource_below_the_cluster_with_its_connection_string()
    {
        ProjectResource console = Assert.Single(
            appHost.Model.Resources.OfType<ProjectResource>(), resource => resource.Name == "kv-console");
        EndpointAnnotation endpoint = Assert.Single(console.Annotations.OfType<EndpointAnnotation>());
        Assert.Equal(17390, endpoint.Port);
        Assert.False(endpoint.IsProxied);
        Assert.Contains(
            console.Annotations.OfType<ResourceRelationshipAnnotation>(),
            relationship => relationship.Type == "Parent" && relationship.Resource == Cluster);

        IExecutionConfigurationResult result = await ExecutionConfigurationBuilder.Create(console)
            .WithEnvironmentVariablesConfig()
            .BuildAsync(
                new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), NullLogger.Instance);
        var variables = result.EnvironmentVariables.ToDictionary();
        Assert.Equal(
            await Cluster.ConnectionStringExpression.GetValueAsync(CancellationToken.None),
            variables["ConnectionStrings__kv"]);
        Assert.Equal("http://localhost:17390", variables["ASPNETCORE_URLS"]);
        Assert.Equal("Development", variables["ASPNETCORE_ENVIRONMENT"]);
    }

    [Fact]
    public async Task AddKvCloud_connection_string_has_all_client_endpoints()
    {

        Assert.Equal(
            "Endpoints=localhost:17090,localhost:17091,localhost:17092,localhost:17093,localhost:17094",
            await Cluster.ConnectionStringExpression.GetValueAsync(CancellationToken.None));
    }

    /// <summary>
    /// The model as the AppHost's own program builds it, with the endpoints that the orchestrator would allocate.
    /// </summary>
    public sealed class AppHostModel : IAsyncLifetime
    {
        private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

        private readonly DirectoryInfo _dataRoot = Directory.CreateTempSubdirectory("kvcloud-aspire-");
        private DistributedApplication? _application;

        public string DataRoot => _dataRoot.FullName;

        public DistributedApplicationModel Model =>
            _application!.Services.GetRequiredService<DistributedApplicationModel>();

        public async Task InitializeAsync()
        {
            using var limit = new CancellationTokenSource(Limit);
            IDistributedApplicationTestingBuilder builder = await DistributedApplicationTestingBuilder
                .CreateAsync<Projects.KvCloud_AppHost>(
                    ["--replicas", "5", "--base-port", "17090", "--data", DataRoot], limit.Token);
            _application = await builder.BuildAsync(limit.Token);
            foreach (EndpointAnnotation endpoint in
                Model.Resources.SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>()))
            {
                endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", endpoint.Port!.Value);
            }
        }

        public async Task DisposeAsync()
        {
            if (_application is not null)
            {
                await _application.DisposeAsync();
            }

            _dataRoot.Delete(recursive: true);
        }
    }
}
