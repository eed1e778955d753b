using System.Reflection;

namespace KvCloud.AppHost;

/// <summary>
/// What the build wrote into this assembly: where the sources and the replica's program are, and how it was built.
/// </summary>
internal static class BuildInfo
{
    private static readonly Dictionary<string, string?> Values = typeof(BuildInfo).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Where(a => a.Key.StartsWith("KvCloud.", StringComparison.Ordinal))
        .ToDictionary(a => a.Key["KvCloud.".Length..], a => a.Value, StringComparer.Ordinal);

    public static string AspireVersion => Value("AspireVersion");

    /// <summary>Whether the build was told to use Aspire or not, rather than having found out by itself.</summary>
    public static bool UseAspireWasChosen => Value("UseAspireChoice") == "explicit";

    public static string Configuration => Value("Configuration");

    /// <summary>The project file, or null where the sources are not beside the program any more.</summary>
    public static string? AppHostProject => Existing(Value("AppHostProject"));

    /// <summary>KvCloud.Node.dll as built with this, or null where it is not there any more.</summary>
    public static string? NodeAssembly => Existing(Value("NodeAssembly"));

    /// <summary>Beside the solution when it is there (and ignored by git), else where the caller stands.</summary>
    public static string DefaultDataRoot => AppHostProject is { } project
        ? Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(project))!, "data")
        : Path.GetFullPath("data");

    private static string? Existing(string path) => File.Exists(path) ? path : null;

    private static string Value(string key) => Values.GetValueOrDefault(key) ?? "";
}
