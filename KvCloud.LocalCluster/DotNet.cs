using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>The very dotnet this program runs on: it may not be on the path, nor be the only one.</summary>
internal static class DotNet
{
    public static string Host { get; } = FindHost();

    /// <summary>A command of the SDK, quiet, leaving no build server behind.</summary>
    public static ProcessStartInfo Command(params IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo(Host, arguments) { UseShellExecute = false };
        info.Environment["DOTNET_NOLOGO"] = "1";
        info.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        info.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        info.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        return info;
    }

    private static string FindHost()
    {
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string host = Path.Combine(root, name);
        return File.Exists(host) ? host : name;
    }
}
