using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.KvCloud;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Adds a cluster's console: pages that show the cluster and its data in a browser.</summary>
public static class KvCloudConsoleExtensions
{
    internal const string EndpointName = "http";

    /// <summary>The connection string that the console reads.</summary>
    private const string ConnectionName = "kv";

    private const string UrlsVariable = "ASPNETCORE_URLS";

    /// <summary>Adds the console that ships with this package, as the resource NAME-console.</summary>
    /// <remarks>
    /// Whoever reaches it acts with the rights of the cluster's connection string; it listens on this machine alone. It
    /// is not published.
    /// </remarks>
    /// <param name="builder">The cluster.</param>
    /// <param name="port">Where the browser finds it. Null uses a free port.</param>
    /// <param name="configure">Changes the console's resource, such as its environment.</param>
    /// <returns>The cluster.</returns>
    /// <exception cref="DistributedApplicationException">The program was not found.</exception>
    public static IResourceBuilder<KvCloudResource> WithConsole(
        this IResourceBuilder<KvCloudResource> builder,
        int? port = null,
        Action<IResourceBuilder<IResourceWithEnvironment>>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return Add(builder, port, configure, name =>
        {
            string assembly = ShippedPrograms.FindConsole(builder.ApplicationBuilder);
            return builder.ApplicationBuilder
                .AddResource(new KvCloudConsoleResource(name, "dotnet", Path.GetDirectoryName(assembly)!))
                .WithArgs(assembly)
                .WithOtlpExporter();
        });
    }

    /// <summary>Adds a console that is a project of the solution, as the resource NAME-console.</summary>
    /// <inheritdoc cref="WithConsole"/>
    /// <typeparam name="TConsole">Its project, such as <c>Projects.KvCloud_Console</c>.</typeparam>
    public static IResourceBuilder<KvCloudResource> WithConsole<TConsole>(
        this IResourceBuilder<KvCloudResource> builder,
        int? port = null,
        Action<IResourceBuilder<IResourceWithEnvironment>>? configure = null)
        where TConsole : IProjectMetadata, new()
    {
        ArgumentNullException.ThrowIfNull(builder);
        return Add(builder, port, configure, name => builder.ApplicationBuilder
            .AddProject<TConsole>(name, options =>
            {
                options.ExcludeLaunchProfile = true;
                options.ExcludeKestrelEndpoints = true;
            })
            .WithEndpointsInEnvironment(_ => false)
            .DisableForwardedHeaders());
    }

    private static IResourceBuilder<KvCloudResource> Add<T>(
        IResourceBuilder<KvCloudResource> builder,
        int? port,
        Action<IResourceBuilder<IResourceWithEnvironment>>? configure,
        Func<string, IResourceBuilder<T>> addConsole)
        where T : IResourceWithEndpoints, IResourceWithEnvironment, IResourceWithWaitSupport
    {
        IDistributedApplicationBuilder application = builder.ApplicationBuilder;
        if (application.ExecutionContext.IsPublishMode)
        {
            return builder;
        }

        if (port is < 1 or > ushort.MaxValue)
        {
            throw new DistributedApplicationException(
                $"KvCloud '{builder.Resource.Name}': {port} is no port for the console; ports lie between 1 and"
                + $" {ushort.MaxValue}.");
        }

        // A fixed port without a proxy, as the replicas have: a console that has ended refuses connections.
        int fixedPort = port ?? ReplicaPorts.Free(1)[0].Http;
        IResourceBuilder<T> console = addConsole($"{builder.Resource.Name}-console")
            .WithHttpEndpoint(fixedPort, fixedPort, EndpointName, isProxied: false)
            .WithEnvironment(UrlsVariable, $"http://localhost:{ReplicaSettings.Text(fixedPort)}")
            // No page of another name that leads here is answered.
            .WithEnvironment("AllowedHosts", "localhost;127.0.0.1;[::1]")
            .WithEnvironment(ReplicaSettings.HostEnvironment, application.Environment.EnvironmentName)
            .WithReference(builder, ConnectionName)
            .WithHttpHealthCheck("/alive", endpointName: EndpointName)
            .WithUrlForEndpoint(EndpointName, url => url.DisplayText = "Console")
            .WithIconName("WindowConsole")
            .WithParentRelationship(builder.Resource);
        builder.Resource.Console = console.Resource;
        configure?.Invoke((IResourceBuilder<IResourceWithEnvironment>)console);
        return builder;
    }
}
