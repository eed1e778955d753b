using System.Diagnostics;
using System.Globalization;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Clusters;

/// <summary>Replicas of KvCloud at their defaults, the program that was built with this one.</summary>
internal sealed class KvCloudCluster(string dataRoot, int count = 3) : BenchCluster("kvcloud", dataRoot, count, 3)
{
    private const string NodeAssembly = "KvCloud.Node.dll";
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    public override DriverKind Driver => DriverKind.ThriftPipelined;

    protected override ProcessStartInfo Describe(int member)
    {
        var assembly = Path.Combine(AppContext.BaseDirectory, NodeAssembly);
        if (!File.Exists(assembly))
        {
            throw new BenchException($"{NodeAssembly} is not beside this program; build KvCloud.Bench again");
        }

        var info = new ProcessStartInfo(Environment.ProcessPath is { } self && Path.GetFileName(self) == "dotnet" ? self : "dotnet")
        {
            WorkingDirectory = DataDirectory.FullName,
            ArgumentList = { assembly },
        };
        var variables = info.Environment;
        foreach (var name in variables.Keys.Where(name => name.StartsWith("KvCloud__", StringComparison.Ordinal)).ToList())
        {
            variables.Remove(name);
        }

        variables["KvCloud__Deployment__Mode"] = Endpoints.Count == 1 ? "standalone" : "replicated";
        variables["KvCloud__Deployment__InstanceId"] = Text(member);
        variables["KvCloud__Listen__ThriftPort"] = Text(Ports[member]);
        variables["KvCloud__Listen__PeerPort"] = Text(PeerPort(member));
        variables["KvCloud__Listen__HttpPort"] = Text(HttpPort(member));
        variables["KvCloud__Database__BasePath"] = DataDirectory.FullName;
        variables["ASPNETCORE_ENVIRONMENT"] = "Production";
        variables["Logging__LogLevel__Default"] = "Warning";

        // No orphans: a replica ends when the process of this id is gone.
        variables["KVCLOUD_PARENT_PID"] = Text(Environment.ProcessId);
        for (var i = 0; i < Endpoints.Count; i++)
        {
            variables[$"KvCloud__Deployment__ReplicaEndpoints__{i}"] = Endpoints[i];
            variables[$"KvCloud__Consensus__Endpoints__{i}"] = $"127.0.0.1:{PeerPort(i)}";
        }

        return info;
    }

    protected override async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < Endpoints.Count; i++)
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri($"http://127.0.0.1:{HttpPort(i)}/health"), cancellationToken)
                    .ConfigureAwait(false);
                if (!answer.IsSuccessStatusCode)
                {
                    return false;
                }
            }
            catch (Exception failure) when (
                !cancellationToken.IsCancellationRequested && failure is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        }

        return await HasLeaderAsync(cancellationToken).ConfigureAwait(false);
    }

    private int PeerPort(int member) => Ports[Endpoints.Count + member];

    private int HttpPort(int member) => Ports[(2 * Endpoints.Count) + member];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
