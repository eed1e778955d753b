using System.Reflection;

namespace KvCloud.Node.Telemetry;

/// <summary>The version of this program, as the build stamped it.</summary>
internal static class NodeVersion
{
    public static string Text { get; } =
        typeof(NodeVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
