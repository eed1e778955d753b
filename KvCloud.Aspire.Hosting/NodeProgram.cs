using System.Reflection;

namespace Aspire.Hosting.KvCloud;

/// <summary>The replica's program: the one that comes with this package, and the image it is published as.</summary>
internal static class NodeProgram
{
    public const string Image = "kvcloud-node";

    /// <summary>
    /// Where a replica in a container keeps its data: the home of the image's user, the one directory that it owns, so
    /// that a new volume mounted there is its own too.
    /// </summary>
    public const string ContainerDataDirectory = "/home/app";

    /// <summary>Written into the AppHost's assembly by the build files of this package.</summary>
    private const string AssemblyKey = "KvCloud.NodeAssembly";

    /// <summary>The image is as old as this package.</summary>
    public static string ImageTag { get; } =
        typeof(NodeProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>KvCloud.Node.dll.</summary>
    /// <exception cref="DistributedApplicationException">It is not there.</exception>
    public static string Find(IDistributedApplicationBuilder builder)
    {
        string? assembly = builder.AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == AssemblyKey)?.Value;
        if (assembly is null)
        {
            throw new DistributedApplicationException(
                "This AppHost was built without the build files of KvCloud.Aspire.Hosting, which say where the"
                + " replica's program is. Reference it as a package, or name the project of the replica:"
                + " AddKvCloud<Projects.NAME>.");
        }

        return File.Exists(assembly) ? assembly : throw new DistributedApplicationException(
            $"The replica's program {assembly} is gone; restore the packages and build the AppHost again.");
    }
}
