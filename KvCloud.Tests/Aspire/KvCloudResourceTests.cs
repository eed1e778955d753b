using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.KvCloud;
using KvCloud.Certificates;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Tests.Aspire;

/// <summary>The resource of KvCloud.Aspire.Hosting, in an application of somebody else.</summary>
public sealed class KvCloudResourceTests
{
    private readonly IDistributedApplicationBuilder _application = DistributedApplication.CreateBuilder(
        new DistributedApplicationOptions { DisableDashboard = true, AssemblyName = "KvCloud.AppHost" });

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(9)]
    public void AddKvCloud_group_size_that_consensus_does_not_have_says_which_there_are(int replicas)
    {
        DistributedApplicationException e = Assert.Throws<DistributedApplicationException>(
            () => _application.AddKvCloud<Projects.KvCloud_Node>("kv", replicas));

        Assert.Equal($"KvCloud 'kv': the number of replicas must be one of 1, 3, 5, 7, not {replicas}.", e.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65400)]
    public void AddKvCloud_ports_that_are_none_are_refused(int port)
    {
        DistributedApplicationException e = Assert.Throws<DistributedApplicationException>(
            () => _application.AddKvCloud<Projects.KvCloud_Node>("kv", 3, port));

        Assert.Contains("ports lie between 1 and 65535", e.Message);
    }

    [Fact]
    public void AddKvCloud_without_port_takes_free_ports_that_differ()
    {
        KvCloudResource cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv").Resource;

        List<int> ports = [.. Endpoints(cluster).Select(endpoint => endpoint.Port!.Value)];
        Assert.Equal(9, ports.Distinct().Count());
        Assert.All(ports, port => Assert.True(ReplicaPorts.IsFree(port)));
    }

    [Fact]
    public void AddKvCloud_of_two_clusters_puts_them_side_by_side()
    {
        KvCloudResource blue = _application.AddKvCloud<Projects.KvCloud_Node>("blue", 1, 19090).Resource;
        KvCloudResource red = _application.AddKvCloud<Projects.KvCloud_Node>("red", 1, 19091).Resource;

        Assert.Equal("blue-0", Assert.Single(blue.Replicas).Resource.Name);
        Assert.Equal("red-0", Assert.Single(red.Replicas).Resource.Name);
        Assert.NotEqual(blue.Data.Root, red.Data.Root);
    }

    [Fact]
    public void WithTls_directory_without_certificates_says_which_file_is_missing_and_who_makes_it()
    {
        string directory = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        KvCloudResource cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv").WithTls(directory).Resource;

        string message = Assert.Throws<DistributedApplicationException>(() => cluster.Certificates!.Open()).Message;

        Assert.Contains(Path.Combine(directory, "ca.crt"), message, StringComparison.Ordinal);
        Assert.Contains("kv cert create-node --cluster kv", message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithTls_without_directory_has_them_made_below_the_data_whatever_comes_first()
    {
        string data = Directory.CreateTempSubdirectory("kv-tls-").FullName;
        try
        {
            KvCloudResource cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv")
                .WithTls(create: files => LocalCertificates.Ensure(
                    files.Directory, files.Cluster, files.Nodes, TimeProvider.System))
                .WithDataBindMount(data).Resource;

            cluster.Certificates!.Open();

            Assert.Equal(Path.Combine(data, "certificates", "ca.crt"), cluster.Certificates.Authority);
            Assert.Equal([0, 1, 2], cluster.Certificates.Nodes);
            CertificateReport report = CertificateReport.Read(
                cluster.Certificates.CertificateOf(2),
                cluster.Certificates.KeyOf(2),
                cluster.Certificates.Authority,
                TimeProvider.System)[0];
            Assert.True(report.IsUsable);
            Assert.Equal(CertificateIdentity.ForNode("kv", 2), report.Identity);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public void WithTls_of_an_application_that_is_published_is_refused()
    {
        IDistributedApplicationBuilder published = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions
            {
                DisableDashboard = true,
                AssemblyName = "KvCloud.AppHost",
                Args = ["--publisher", "manifest", "--output-path", "unused"],
            });
        IResourceBuilder<KvCloudResource> cluster = published.AddKvCloud<Projects.KvCloud_Node>("kv");

        Assert.Contains(
            "not published",
            Assert.Throws<DistributedApplicationException>(() => cluster.WithTls()).Message,
            StringComparison.Ordinal);
    }

    /// <summary>An AppHost that references the package has its build files; this one references the project.</summary>
    [Fact]
    public void AddKvCloud_without_the_build_files_of_the_package_says_what_is_missing()
    {
        DistributedApplicationException e = Assert.Throws<DistributedApplicationException>(
            () => _application.AddKvCloud("kv"));

        Assert.Contains("AddKvCloud<Projects.NAME>", e.Message);
    }

    [Fact]
    public void WithConsole_without_the_build_files_of_the_package_says_what_is_missing()
    {
        IResourceBuilder<KvCloudResource> cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv");

        DistributedApplicationException e = Assert.Throws<DistributedApplicationException>(
            () => cluster.WithConsole());

        Assert.Contains("WithConsole<Projects.NAME>", e.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65536)]
    public void WithConsole_port_that_is_none_is_refused(int port) =>
        Assert.Contains(
            $"{port} is no port for the console",
            Assert.Throws<DistributedApplicationException>(() => _application
                .AddKvCloud<Projects.KvCloud_Node>("kv").WithConsole<Projects.KvCloud_Console>(port)).Message);

    [Fact]
    public void WithConsole_of_an_application_that_is_published_adds_nothing()
    {
        IDistributedApplicationBuilder published = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions
            {
                DisableDashboard = true,
                AssemblyName = "KvCloud.AppHost",
                Args = ["--publisher", "manifest", "--output-path", "unused"],
            });

        published.AddKvCloud<Projects.KvCloud_Node>("kv").WithConsole<Projects.KvCloud_Console>();

        Assert.DoesNotContain(published.Resources, resource => resource.Name == "kv-console");
    }

    [Fact]
    public async Task KvCloudResource_connection_properties_for_other_languages_are_endpoints_host_and_port()
    {
        KvCloudResource cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv", 3, 19090).Resource;
        foreach (EndpointAnnotation endpoint in Endpoints(cluster))
        {
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", endpoint.Port!.Value);
        }

        var properties = new Dictionary<string, string?>();
        foreach ((string name, ReferenceExpression value) in
            ((IResourceWithConnectionString)cluster).GetConnectionProperties())
        {
            properties[name] = await value.GetValueAsync(CancellationToken.None);
        }

        Assert.Equal("localhost:19090,localhost:19091,localhost:19092", properties["Endpoints"]);
        Assert.Equal("localhost", properties["Host"]);
        Assert.Equal("19090", properties["Port"]);
    }

    [Fact]
    public void ClusterData_without_volume_ends_with_the_application()
    {
        ClusterData data = _application.AddKvCloud<Projects.KvCloud_Node>("kv").Resource.Data;

        data.Open(3);
        Assert.True(Directory.Exists(data.Root));
        data.Dispose();

        Assert.False(Directory.Exists(data.Root));
    }

    [Fact]
    public void WithDataBindMount_of_a_relative_path_is_below_the_app_host_and_kept()
    {
        IResourceBuilder<KvCloudResource> cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv");

        cluster.WithDataBindMount("../data");

        Assert.Equal(Path.GetFullPath("../data", _application.AppHostDirectory), cluster.Resource.Data.Root);
    }

    [Fact]
    public void WithDataVolume_of_a_name_is_the_same_directory_in_every_run()
    {
        IResourceBuilder<KvCloudResource> cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv");

        cluster.WithDataVolume("orders");

        Assert.Equal(
            Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "kvcloud", "orders"),
            cluster.Resource.Data.Root);
    }

    [Fact]
    public void Keep_directory_of_a_running_replica_says_which_directory()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("kvcloud-data-");
        try
        {
            string lockFile = Path.Combine(root.CreateSubdirectory("node_1").FullName, "lock");
            using var held = new FileStream(lockFile, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
            using var data = new ClusterData("kv");
            data.Keep(root.FullName);

            DistributedApplicationException e = Assert.Throws<DistributedApplicationException>(() => data.Open(3));

            Assert.Contains(Path.Combine(root.FullName, "node_1"), e.Message);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void Keep_root_that_is_a_file_says_so()
    {
        string file = Path.GetTempFileName();
        try
        {
            using var data = new ClusterData("kv");
            data.Keep(file);

            Assert.Contains(file, Assert.Throws<DistributedApplicationException>(() => data.Open(1)).Message);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Judge_leader_with_majority_is_healthy_and_named()
    {
        KvCloudResource cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv").Resource;
        cluster.Status = new ClusterStatus(
            [new("follower", 1, 10), new("leader", 1, 11), ReplicaStatus.Unknown]);

        HealthCheckResult health = ClusterLifecycle.Judge(cluster);

        Assert.Equal(HealthStatus.Healthy, health.Status);
        Assert.Equal("kv-1 leads, 2 of 3 replicas answer", health.Description);
    }

    /// <summary>A leader that is cut off from the others goes on believing for as long as its lease.</summary>
    [Fact]
    public void Judge_leader_without_majority_is_unhealthy()
    {
        KvCloudResource cluster = _application.AddKvCloud<Projects.KvCloud_Node>("kv").Resource;
        cluster.Status = new ClusterStatus(
            [new("follower", null, 10), new("leader", 1, 11), ReplicaStatus.Unknown]);

        Assert.Equal(HealthStatus.Unhealthy, ClusterLifecycle.Judge(cluster).Status);
    }

    [Fact]
    public void Judge_where_nobody_has_answered_is_unhealthy() =>
        Assert.Equal(
            HealthStatus.Unhealthy,
            ClusterLifecycle.Judge(_application.AddKvCloud<Projects.KvCloud_Node>("kv").Resource).Status);

    private static IEnumerable<EndpointAnnotation> Endpoints(KvCloudResource cluster) =>
        cluster.Replicas.SelectMany(replica => replica.Resource.Annotations.OfType<EndpointAnnotation>());
}
