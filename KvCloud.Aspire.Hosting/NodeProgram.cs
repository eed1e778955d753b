using System.Reflection;

namespace Aspire.Hosting.KvCloud;

/// <summary>The replica's program: the one that ships with this package, and the image it is published as.</summary>
internal static class NodeProgram
{
    public const string Image = "kvcloud-node";

    /// <summary>
    /// The data directory of a replica in a container: the home of the image's user. It is the only directory that this
    /// user owns, so a new volume mounted there belongs to the user as well.
    /// </summary>
    public const string ContainerDataDirectory = "/home/app";

    /// <summary>The build files of this package write this into the AppHost's assembly.</summary>
    private const string AssemblyKey = "KvCloud.NodeAssembly";

    /// <summary>The image has the version of this package.</summary>
    public static string ImageTag { get; } =
        typeof(NodeProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>Path of KvCloud.Node.dll.</summary>
    /// <exception cref="DistributedApplicationException">The program was not found.</exception>
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
            $"The replica's program {assembly} does not exist; restore the packages and build the AppHost again.");
    }
}
