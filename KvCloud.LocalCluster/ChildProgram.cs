using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>A program that this one starts as a child process: where it is, and what it inherits.</summary>
/// <param name="fileName">Its assembly, such as KvCloud.Node.dll.</param>
/// <param name="packedFolder">Folder of the packed tool that contains it.</param>
/// <param name="metadataKey">What the build wrote its output path under.</param>
internal sealed class ChildProgram(string fileName, string packedFolder, string metadataKey)
{
    /// <summary>
    /// Variables that this program may have but another web application must not inherit: addresses and the dashboard.
    /// </summary>
    private static readonly string[] NeverInherited =
    [
        "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_URLS", "URLS",
        "DOTNET_LAUNCH_PROFILE", "DOTNET_ENVIRONMENT",
    ];

    /// <summary>
    /// The dotnet executable that runs this program: dotnet may not be on the path, and there may be several.
    /// </summary>
    public static string DotNet { get; } = FindDotNet();

    /// <summary>
    /// The assembly: next to this program if it is installed as a tool, else in its build output; null if it is in
    /// neither place.
    /// </summary>
    public string? Assembly => IsPacked ? PackedAssembly : File.Exists(BuiltAssembly) ? BuiltAssembly : null;

    /// <summary>Whether this program is installed as a tool with the other packed into it.</summary>
    public bool IsPacked => File.Exists(PackedAssembly);

    private string PackedAssembly => Path.Combine(AppContext.BaseDirectory, packedFolder, fileName);

    private string? BuiltAssembly => typeof(ChildProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(attribute => attribute.Key == metadataKey)?.Value;

    /// <summary>Start info of a child process whose output this process reads.</summary>
    /// <param name="isInherited">Which of this process's variables it inherits.</param>
    /// <param name="arguments">Arguments of the program.</param>
    /// <exception cref="LocalClusterException">The program was not found.</exception>
    public ProcessStartInfo StartInfo(Func<string, bool> isInherited, params IEnumerable<string> arguments)
    {
        string assembly = Assembly ?? throw new LocalClusterException(
            $"The program {fileName} is neither next to this program nor in its build output; build the solution"
            + " again.");
        var info = new ProcessStartInfo(DotNet, [assembly, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in info.Environment.Keys.Where(name => !isInherited(name)).ToList())
        {
            info.Environment.Remove(name);
        }

        return info;
    }

    /// <summary>Whether this variable is none that would mislead another web application.</summary>
    public static bool IsHarmless(string name) =>
        !NeverInherited.Contains(name, StringComparer.OrdinalIgnoreCase)
        && !name.StartsWith("ASPIRE_", StringComparison.Ordinal);

    private static string FindDotNet()
    {
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string host = Path.Combine(root, name);
        return File.Exists(host) ? host : name;
    }
}
