using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.KvCloud;

namespace Aspire.Hosting;

/// <summary>Adds a KvCloud cluster to the application model.</summary>
public static class KvCloudBuilderExtensions
{
    /// <summary>
    /// Group sizes that consensus supports; an even group tolerates no more failures than the next smaller odd one.
    /// </summary>
    private static readonly int[] GroupSizes = [1, 3, 5, 7];

    /// <summary>Adds a cluster whose replicas run the program that ships with this package.</summary>
    /// <remarks>
    /// The resource is healthy, which <c>WaitFor</c> waits for, once there is a leader that a majority follows. Without
    /// <see cref="WithDataVolume"/> or <see cref="WithDataBindMount"/> the data is deleted when the application ends.
    /// When published, each replica is a container of the image <c>kvcloud-node</c>.
    /// </remarks>
    /// <param name="builder">The application.</param>
    /// <param name="name">Name of the resource and of its connection string; its replicas are NAME-0, NAME-1 and so
    /// on.</param>
    /// <param name="replicas">1, 3, 5 or 7.</param>
    /// <param name="port">
    /// The first client port; replicas use consecutive ports, with peer ports 100 higher and HTTP ports 200 higher.
    /// Null uses free ports.
    /// </param>
    /// <returns>The cluster.</returns>
    /// <exception cref="DistributedApplicationException">The number of replicas or the ports are invalid.</exception>
    public static IResourceBuilder<KvCloudResource> AddKvCloud(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int replicas = 3, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (builder.ExecutionContext.IsPublishMode)
        {
            return AddCluster(builder, name, replicas, port, replica => builder
                .AddContainer(replica, ShippedPrograms.Image, ShippedPrograms.ImageTag));
        }

        string assembly = ShippedPrograms.FindNode(builder);
        return AddCluster(builder, name, replicas, port, replica => builder
            .AddResource(new KvCloudNodeResource(replica, "dotnet", Path.GetDirectoryName(assembly)!))
            .WithArgs(assembly)
            .WithOtlpExporter());
    }

    /// <summary>Adds a cluster whose replicas run a project of the solution.</summary>
    /// <remarks>
    /// Like <see cref="AddKvCloud"/>, but when published, each replica is a container built from the project's
    /// Dockerfile, with the parent directory of the project as its context.
    /// </remarks>
    /// <inheritdoc cref="AddKvCloud"/>
    /// <typeparam name="TNode">The project of the replica's program, such as <c>Projects.KvCloud_Node</c>.</typeparam>
    public static IResourceBuilder<KvCloudResource> AddKvCloud<TNode>(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int replicas = 3, int? port = null)
        where TNode : IProjectMetadata, new()
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);

        // One project resource per replica instead of WithReplicas, which would hide all replicas behind one proxy:
        // they are not interchangeable, since each has its own index, disk and peers.
        return AddCluster(builder, name, replicas, port, replica => builder
            .AddProject<TNode>(replica, options =>
            {
                // Otherwise the endpoints of the launch profile and of Kestrel's configuration would be added to those
                // declared here.
                options.ExcludeLaunchProfile = true;
                options.ExcludeKestrelEndpoints = true;
            })
            // A replica binds to the addresses in its own settings; ASPNETCORE_URLS would conflict with them.
            .WithEndpointsInEnvironment(_ => false)
            // No proxy is in front of a replica, so forwarded headers must not be trusted.
            .DisableForwardedHeaders()
            .PublishAsContainer(new TNode().ProjectPath));
    }

    /// <summary>Keeps the cluster's data between runs.</summary>
    /// <remarks>
    /// Replicas that run as processes store it in the user's local application data, below <c>kvcloud/NAME</c>;
    /// replicas that run as containers have a volume each, <c>NAME-0</c> and so on.
    /// </remarks>
    /// <param name="builder">The cluster.</param>
    /// <param name="name">Name of the volume; null derives one from the application and the resource.</param>
    /// <returns>The cluster.</returns>
    public static IResourceBuilder<KvCloudResource> WithDataVolume(
        this IResourceBuilder<KvCloudResource> builder, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        name ??= VolumeNameGenerator.Generate(builder, "data");
        builder.Resource.Data.Keep(Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "kvcloud", name));
        return Mount(builder, ContainerMountType.Volume, index => $"{name}-{index}");
    }

    /// <summary>
    /// Keeps the cluster's data in a directory, each replica's in <c>node_0</c>, <c>node_1</c> and so on below it.
    /// </summary>
    /// <param name="builder">The cluster.</param>
    /// <param name="source">The directory; relative paths start at the AppHost's directory.</param>
    /// <returns>The cluster.</returns>
    public static IResourceBuilder<KvCloudResource> WithDataBindMount(
        this IResourceBuilder<KvCloudResource> builder, string source)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(source);
        string root = Path.GetFullPath(source, builder.ApplicationBuilder.AppHostDirectory);
        builder.Resource.Data.Keep(root);
        return Mount(builder, ContainerMountType.BindMount, index => Path.Combine(root, $"node_{index}"));
    }

    /// <summary>Lets all ports of the cluster speak TLS, with certificates that name cluster and node.</summary>
    /// <remarks>
    /// The connection string names the CA, so that applications which reference the cluster need nothing more.
    /// ASP.NET's development certificate does not do: it names neither a cluster nor a node. A cluster with
    /// certificates of this machine is not published.
    /// </remarks>
    /// <param name="builder">The cluster.</param>
    /// <param name="certificateDirectory">
    /// Where the files of <c>kv cert</c> are, see <see cref="KvCloudCertificates"/>; relative paths start at the
    /// AppHost's directory. Null: <c>certificates</c> below the cluster's data.
    /// </param>
    /// <param name="create">Called before the replicas start, to make the files that are missing.</param>
    /// <returns>The cluster.</returns>
    /// <exception cref="DistributedApplicationException">The application is published.</exception>
    public static IResourceBuilder<KvCloudResource> WithTls(
        this IResourceBuilder<KvCloudResource> builder,
        string? certificateDirectory = null,
        Action<KvCloudCertificates>? create = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        KvCloudResource cluster = builder.Resource;
        if (builder.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            throw new DistributedApplicationException(
                $"KvCloud '{cluster.Name}': certificates of this machine are not published. Leave WithTls out where"
                + " ExecutionContext.IsPublishMode is true, and give the replicas certificates of their platform"
                + " (WithSetting, Tls:Certificate and so on).");
        }

        cluster.Certificates = new KvCloudCertificates(
            cluster,
            certificateDirectory is null
                ? null
                : Path.GetFullPath(certificateDirectory, builder.ApplicationBuilder.AppHostDirectory),
            create);
        foreach (KvCloudReplica replica in cluster.Replicas)
        {
            replica.HttpEndpoint.EndpointAnnotation.UriScheme = Uri.UriSchemeHttps;
        }

        return builder;
    }

    /// <summary>Sets a setting of all replicas; docs/configuration.md lists the settings.</summary>
    /// <param name="builder">The cluster.</param>
    /// <param name="key">The setting, for example <c>Reads:ConsistencyLevel</c>.</param>
    /// <param name="value">The value; a replica that rejects it logs an error and does not start.</param>
    /// <returns>The cluster.</returns>
    public static IResourceBuilder<KvCloudResource> WithSetting(
        this IResourceBuilder<KvCloudResource> builder, string key, string value)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(key);
        builder.Resource.Settings[ReplicaSettings.Variable(key)] = value;
        return builder;
    }

    private static IResourceBuilder<KvCloudResource> AddCluster<T>(
        IDistributedApplicationBuilder builder,
        string name,
        int replicas,
        int? port,
        Func<string, IResourceBuilder<T>> addReplica)
        where T : IResourceWithEndpoints, IResourceWithEnvironment
    {
        if (!GroupSizes.Contains(replicas))
        {
            throw new DistributedApplicationException(
                $"KvCloud '{name}': the number of replicas must be one of {string.Join(", ", GroupSizes)}, "
                + $"not {replicas}.");
        }

        var cluster = new KvCloudResource(name);
        IResourceBuilder<KvCloudResource> clusterBuilder = builder.AddResource(cluster).WithClusterLifecycle();
        IReadOnlyList<ReplicaPorts> ports = builder.ExecutionContext.IsPublishMode
            ? [.. Enumerable.Repeat(ReplicaPorts.InContainer, replicas)]
            : port is { } first ? ReplicaPorts.Consecutive(first, replicas) : ReplicaPorts.Free(replicas);
        for (int index = 0; index < replicas; index++)
        {
            IResourceBuilder<T> node = addReplica($"{name}-{ReplicaSettings.Text(index)}");
            var replica = new KvCloudReplica(index, node.Resource);
            cluster.Add(replica);
            node.WithReplicaEndpoints(ports[index])
                .WithReplicaSettings(cluster, replica, ports[index])
                .WithReplicaHealthCheck(cluster, replica)
                .WithParentRelationship(cluster)
                .WithReplicaCommands(cluster, replica);
        }

        return clusterBuilder;
    }

    /// <summary>
    /// A project in Aspire's manifest (project.v0) cannot have volumes, but a container can. Published as a container,
    /// a replica keeps its data when it is rescheduled.
    /// </summary>
    private static IResourceBuilder<ProjectResource> PublishAsContainer(
        this IResourceBuilder<ProjectResource> node, string projectPath)
    {
        string project = Path.GetDirectoryName(projectPath)!;
        string dockerfile = Path.Combine(project, "Dockerfile");
        return File.Exists(dockerfile)
            ? node.PublishAsDockerFile(
                container => container.WithDockerfile(Path.GetDirectoryName(project)!, dockerfile))
            : node;
    }

    private static IResourceBuilder<KvCloudResource> Mount(
        IResourceBuilder<KvCloudResource> builder, ContainerMountType type, Func<int, string> source)
    {
        if (builder.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            foreach (KvCloudReplica replica in builder.Resource.Replicas)
            {
                replica.Resource.Annotations.Add(new ContainerMountAnnotation(
                    source(replica.Index), ShippedPrograms.ContainerDataDirectory, type, isReadOnly: false));
            }
        }

        return builder;
    }
}
