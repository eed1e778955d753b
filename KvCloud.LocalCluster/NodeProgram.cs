using System.Diagnostics;

namespace KvCloud.LocalCluster;

/// <summary>The replica's program, and how it is started.</summary>
internal static class NodeProgram
{
    public const string FileName = "KvCloud.Node.dll";

    /// <summary>Prefix of the environment variables that hold a replica's settings.</summary>
    private const string SettingPrefix = "KvCloud__";

    /// <summary>Variable that names the replica's configuration file.</summary>
    private const string ConfigFile = "KVCLOUD_CONFIG";

    private static readonly ChildProgram Program = new(FileName, "node", "KvCloud.NodeAssembly");

    /// <inheritdoc cref="ChildProgram.Assembly"/>
    public static string? Assembly => Program.Assembly;

    /// <inheritdoc cref="ChildProgram.DotNet"/>
    public static string DotNet => ChildProgram.DotNet;

    /// <inheritdoc cref="ChildProgram.IsPacked"/>
    public static bool IsPacked => Program.IsPacked;

    /// <summary>Start info of a replica as a child process whose output this process reads.</summary>
    /// <param name="inheritSettings">Whether the replica inherits settings from this process's environment.</param>
    /// <param name="arguments">Arguments of the replica's program.</param>
    /// <exception cref="LocalClusterException">The program was not found.</exception>
    public static ProcessStartInfo StartInfo(bool inheritSettings, params IEnumerable<string> arguments)
    {
        ProcessStartInfo info = Program.StartInfo(name => IsInherited(name, inheritSettings), arguments);
        if (info.Environment.TryGetValue(ConfigFile, out string? file) && !string.IsNullOrEmpty(file))
        {
            // The replica runs in another working directory.
            info.Environment[ConfigFile] = Path.GetFullPath(file);
        }

        return info;
    }

    /// <summary>Whether the replica inherits this variable from the environment of this process.</summary>
    internal static bool IsInherited(string name, bool inheritSettings) =>
        ChildProgram.IsHarmless(name) && (inheritSettings || !IsSetting(name));

    /// <summary>Whether this variable says how a replica is to run.</summary>
    internal static bool IsSetting(string name) =>
        name.StartsWith(SettingPrefix, StringComparison.OrdinalIgnoreCase) || name == ConfigFile;
}
