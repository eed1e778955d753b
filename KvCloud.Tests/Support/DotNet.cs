using System.Diagnostics;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Support;

/// <summary>Commands of the .NET SDK that runs the tests.</summary>
internal static class DotNet
{
    public static string Host => NodeProgram.DotNet;

    /// <summary>Quiet, and leaving no build server behind, which would hold the pipes of its output open.</summary>
    public static ProcessStartInfo Command(params IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo(Host, arguments) { UseShellExecute = false };
        info.Environment["DOTNET_NOLOGO"] = "1";
        info.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        info.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        info.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        return info;
    }
}
