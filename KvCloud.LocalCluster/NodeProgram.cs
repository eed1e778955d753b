using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>Locates the replica's program and defines how it is started.</summary>
internal static class NodeProgram
{
    public const string FileName = "KvCloud.Node.dll";

    /// <summary>Folder of the packed tool that contains the replica's program.</summary>
    private const string PackedFolder = "node";

    /// <summary>Prefix of the environment variables that hold a replica's settings.</summary>
    private const string SettingPrefix = "KvCloud__";

    /// <summary>Variable that names the replica's configuration file.</summary>
    private const string ConfigFile = "KVCLOUD_CONFIG";

    /// <summary>
    /// Variables that this program may have but a replica must not inherit: addresses of another web application or of
    /// the dashboard.
    /// </summary>
    private static readonly string[] NeverInherited =
    [
        "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_URLS", "URLS",
        "DOTNET_LAUNCH_PROFILE", "DOTNET_ENVIRONMENT",
    ];

    /// <summary>
    /// KvCloud.Node.dll: next to this program if it is installed as a tool, else in its build output; null if it is in
    /// neither place.
    /// </summary>
    public static string? Assembly { get; } = Find();

    /// <summary>
    /// The dotnet executable that runs this program: dotnet may not be on the path, and there may be several.
    /// </summary>
    public static string DotNet { get; } = FindDotNet();

    /// <summary>Whether this program is installed as a tool with the replica's program packed into it.</summary>
    public static bool IsPacked => File.Exists(PackedAssembly);

    private static string PackedAssembly => Path.Combine(AppContext.BaseDirectory, PackedFolder, FileName);

    /// <summary>Start info of a replica as a child process whose output this process reads.</summary>
    /// <param name="inheritSettings">Whether the replica inherits settings from this process's environment.</param>
    /// <param name="arguments">Arguments of the replica's program.</param>
    /// <exception cref="LocalClusterException">The program was not found.</exception>
    public static ProcessStartInfo StartInfo(bool inheritSettings, params IEnumerable<string> arguments)
    {
        string assembly = Assembly ?? throw new LocalClusterException(
            $"The replica's program, {FileName}, is neither next to this program nor in its build output; "
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
            // The replica runs in another working directory.
            info.Environment[ConfigFile] = Path.GetFullPath(file);
        }

        return info;
    }

    /// <summary>Whether the replica inherits this variable from the environment of this process.</summary>
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
