using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>The replica's program: where it is, and how it is started.</summary>
internal static class NodeProgram
{
    public const string FileName = "KvCloud.Node.dll";

    /// <summary>Folder of the packed tool that holds the replica's program.</summary>
    private const string PackedFolder = "node";

    /// <summary>Every setting of a replica is a variable with this prefix.</summary>
    private const string SettingPrefix = "KvCloud__";

    /// <summary>Names the replica's configuration file.</summary>
    private const string ConfigFile = "KVCLOUD_CONFIG";

    /// <summary>
    /// What this program may have been started with and a replica must not be: addresses of another web application, or
    /// of the dashboard.
    /// </summary>
    private static readonly string[] NeverInherited =
    [
        "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_URLS", "URLS",
        "DOTNET_LAUNCH_PROFILE", "DOTNET_ENVIRONMENT",
    ];

    /// <summary>
    /// KvCloud.Node.dll: beside this program where it is installed as a tool, else where it was built to; null when it
    /// is in neither place.
    /// </summary>
    public static string? Assembly { get; } = Find();

    /// <summary>The very dotnet this program runs on: it may not be on the path, nor be the only one.</summary>
    public static string DotNet { get; } = FindDotNet();

    /// <summary>Whether this program is installed as a tool, with the replica's program packed into it.</summary>
    public static bool IsPacked => File.Exists(PackedAssembly);

    private static string PackedAssembly => Path.Combine(AppContext.BaseDirectory, PackedFolder, FileName);

    /// <summary>A replica as a child process of this one, its output to be read by this one.</summary>
    /// <param name="inheritSettings">Whether settings in this process's environment are the replica's too.</param>
    /// <param name="arguments">Of the program.</param>
    /// <exception cref="LocalClusterException">The program is not to be found.</exception>
    public static ProcessStartInfo StartInfo(bool inheritSettings, params IEnumerable<string> arguments)
    {
        string assembly = Assembly ?? throw new LocalClusterException(
            $"The replica's program, {FileName}, is neither beside this program nor where it was built to; "
            + "build the solution again.");
        var info = new ProcessStartInfo(DotNet, [assembly, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in info.Environment.Keys.Where(name => !IsInherited(name, inheritSettings)).ToList())
        {
            info.Environment.Remove(name);
        }

        if (info.Environment.TryGetValue(ConfigFile, out string? file) && !string.IsNullOrEmpty(file))
        {
            // The replica runs in another directory.
            info.Environment[ConfigFile] = Path.GetFullPath(file);
        }

        return info;
    }

    /// <summary>Whether a variable of this process's environment is one of the replica's too.</summary>
    internal static bool IsInherited(string name, bool inheritSettings) =>
        !NeverInherited.Contains(name, StringComparer.OrdinalIgnoreCase)
        && !name.StartsWith("ASPIRE_", StringComparison.Ordinal)
        && (inheritSettings
            || !(name.StartsWith(SettingPrefix, StringComparison.OrdinalIgnoreCase) || name == ConfigFile));

    private static string? Find()
    {
        string? built = typeof(NodeProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "KvCloud.NodeAssembly")?.Value;
        return IsPacked ? PackedAssembly : File.Exists(built) ? built : null;
    }

    private static string FindDotNet()
    {
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string host = Path.Combine(root, name);
        return File.Exists(host) ? host : name;
    }
}
