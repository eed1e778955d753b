using System.Diagnostics;
using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>The console's program, and how it is started beside a cluster.</summary>
internal static class ConsoleProgram
{
    public const string FileName = "KvCloud.Console.dll";

    private static readonly ChildProgram Program = new(FileName, "console", "KvCloud.ConsoleAssembly");

    /// <inheritdoc cref="ChildProgram.Assembly"/>
    public static string? Assembly => Program.Assembly;

    /// <summary>Start info of the console of this cluster, at its <see cref="Topology.ConsolePort"/>.</summary>
    /// <exception cref="LocalClusterException">The program was not found.</exception>
    public static ProcessStartInfo StartInfo(Topology topology, Uri address)
    {
        ProcessStartInfo info = Program.StartInfo(
            name => ChildProgram.IsHarmless(name) && !NodeProgram.IsSetting(name));
        info.WorkingDirectory = topology.DataRoot;
        info.Environment["ASPNETCORE_URLS"] = address.GetLeftPart(UriPartial.Authority);
        info.Environment[NodeEnvironment.AspNetCoreEnvironment] = topology.Environment;
        // No page of another name that leads here is answered.
        info.Environment["AllowedHosts"] = $"localhost;{topology.Host};[::1]";
        info.Environment[NodeEnvironment.ServiceName] = "console";
        info.Environment[NodeEnvironment.ParentProcessId] =
            Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        info.Environment["ConnectionStrings__kv"] = $"Endpoints={string.Join(',', topology.ClientEndpoints)}"
            + (topology.Tls is { } tls ? $";TlsCa={tls.Ca}" : "");
        return info;
    }
}
