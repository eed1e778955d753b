using System.Reflection;

namespace Aspire.Hosting.KvCloud;

/// <summary>
/// The programs that ship with this package: the replica's, with the image it is published as, and the console's.
/// </summary>
internal static class ShippedPrograms
{
    public const string Image = "kvcloud-node";

    /// <summary>
    /// The data directory of a replica in a container: the home of the image's user. It is the only directory that this
    /// user owns, so a new volume mounted there belongs to the user as well.
    /// </summary>
    public const string ContainerDataDirectory = "/home/app";

    /// <summary>The build files of this package write these two into the AppHost's assembly.</summary>
    private const string NodeKey = "KvCloud.NodeAssembly";
    private const string ConsoleKey = "KvCloud.ConsoleAssembly";

    /// <summary>The image has the version of this package.</summary>
    public static string ImageTag { get; } =
        typeof(ShippedPrograms).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>Path of KvCloud.Node.dll.</summary>
    /// <exception cref="DistributedApplicationException">The program was not found.</exception>
    public static string FindNode(IDistributedApplicationBuilder builder) =>
        Find(builder, NodeKey, "replica", nameof(KvCloudBuilderExtensions.AddKvCloud));

    /// <summary>Path of KvCloud.Console.dll.</summary>
    /// <exception cref="DistributedApplicationException">The program was not found.</exception>
    public static string FindConsole(IDistributedApplicationBuilder builder) =>
        Find(builder, ConsoleKey, "console", nameof(KvCloudConsoleExtensions.WithConsole));

    private static string Find(IDistributedApplicationBuilder builder, string key, string program, string call)
    {
        string? assembly = builder.AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == key)?.Value;
        if (assembly is null)
        {
            throw new DistributedApplicationException(
                "This AppHost was built without the build files of KvCloud.Aspire.Hosting, which say where the"
                + $" {program}'s program is. Reference it as a package, or name the project of the {program}:"
                + $" {call}<Projects.NAME>.");
        }

        return File.Exists(assembly) ? assembly : throw new DistributedApplicationException(
            $"The {program}'s program {assembly} does not exist; restore the packages and build the AppHost again.");
    }
}
