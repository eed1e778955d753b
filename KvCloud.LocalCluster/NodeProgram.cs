using System.Reflection;

namespace KvCloud.LocalCluster;

/// <summary>Where the replica's program is.</summary>
internal static class NodeProgram
{
    public const string FileName = "KvCloud.Node.dll";

    /// <summary>Folder of the packed tool that holds the replica's program.</summary>
    private const string PackedFolder = "node";

    /// <summary>
    /// KvCloud.Node.dll: beside this program where it is installed as a tool, else where it was built to; null when it is
    /// in neither place.
    /// </summary>
    public static string? Assembly { get; } = Find();

    private static string? Find()
    {
        string packed = Path.Combine(AppContext.BaseDirectory, PackedFolder, FileName);
        string? built = typeof(NodeProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "KvCloud.NodeAssembly")?.Value;
        return File.Exists(packed) ? packed : File.Exists(built) ? built : null;
    }
}
