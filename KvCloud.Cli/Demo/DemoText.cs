using System.Globalization;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Demo;

/// <summary>What `kv demo` prints when all replicas are healthy: their endpoints, and commands to try.</summary>
internal static class DemoText
{
    public static string Ready(
        ProcessCluster cluster, string?[] roles, DemoData data, DemoOptions options, Uri? page, TimeSpan took)
    {
        Topology topology = cluster.Topology;
        int?[] processIds = [.. cluster.Nodes.Select(node => node.ProcessId)];
        string where = data.IsKept ? $"data in {data.Root}" : "data in a temporary directory, removed at the end";
        return string.Create(CultureInfo.InvariantCulture, $"""

            {Count(topology)} healthy after {took.TotalSeconds:0.0} s; {where}.

            {EndpointTable.Render(topology, roles, processIds)}{Console(page)}
            Try, in another terminal ({Variables(topology)}):

            {Indented(Commands(topology, roles, processIds, options))}

            Ctrl-C stops {(data.IsKept ? "the cluster" : "the cluster and removes its data")}.

            """);
    }

    private static string Console(Uri? page) => page is null
        ? ""
        : $"{Environment.NewLine}  The console, in a browser: {page.GetLeftPart(UriPartial.Authority)}"
            + Environment.NewLine;

    private static string Variables(Topology topology) => topology.Tls is null
        ? $"{GlobalOptions.EndpointsVariable} in the environment spares the option"
        : $"{GlobalOptions.EndpointsVariable} and {TlsGlobalOptions.CaVariable} in the environment spare the options";

    private static string Indented(IEnumerable<string> lines) =>
        string.Join(Environment.NewLine, lines.Select(line => "  " + line));

    private static string Count(Topology topology) =>
        topology.Replicas.Length == 1 ? "1 replica is" : $"{topology.Replicas.Length} replicas are";

    private static IEnumerable<string> Commands(
        Topology topology, string?[] roles, int?[] processIds, DemoOptions options)
    {
        string endpoints = $"--endpoints {string.Join(',', topology.ClientEndpoints)}"
            + (topology.Tls is { } tls ? $" --ca {tls.Ca}" : "");
        if (!NodeProgram.IsPacked && Alias() is { } alias)
        {
            yield return alias;
        }

        yield return $"kv set greeting hello {endpoints}";
        yield return $"kv get greeting {endpoints}";
        yield return $"kv status {endpoints}";
        int leader = Array.IndexOf(roles, "leader");
        if (leader >= 0 && topology.Replicas.Length > 1 && processIds[leader] is { } processId)
        {
            string fate = options.RestartCrashed ? ", and it comes back" : "";
            yield return string.Create(
                CultureInfo.InvariantCulture, $"{KillCommand} {processId}    # the leader: another takes over{fate}");
            if (options.RestartCrashed)
            {
                yield return $"kv bank --kill-leader-every 10s {endpoints}";
            }
        }
    }

    private static string KillCommand => OperatingSystem.IsWindows() ? "taskkill /F /PID" : "kill -9";

    /// <summary>Defines `kv` as this program, which is not on the path unless it is installed as a tool.</summary>
    private static string? Alias()
    {
        if (OperatingSystem.IsWindows() || Environment.ProcessPath is not { } self)
        {
            return null;
        }

        return Path.GetFileName(self) == "dotnet"
            ? $"alias kv='{self} {Path.Combine(AppContext.BaseDirectory, "kv.dll")}'"
            : $"alias kv='{self}'";
    }
}
