using System.Diagnostics;
using System.Globalization;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Clusters;

/// <summary>etcd at its defaults: heartbeat 100 ms, election 1000 ms, fsync on. Only the space quota is raised and the log quiet.</summary>
internal sealed class EtcdCluster(string dataRoot, int count = 3) : BenchCluster("etcd", dataRoot, count, 2)
{
    private const long QuotaBytes = 8_000_000_000;
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    public override DriverKind Driver => DriverKind.Etcd;

    protected override ProcessStartInfo Describe(int member)
    {
        var info = new ProcessStartInfo("etcd") { WorkingDirectory = DataDirectory.FullName };
        var client = $"http://{Endpoints[member]}";
        var peers = Enumerable.Range(0, Endpoints.Count).Select(i => $"m{i}={Peer(i)}");
        string[] arguments =
        [
            "--name", $"m{member}",
            "--data-dir", Path.Combine(DataDirectory.FullName, $"m{member}"),
            "--listen-client-urls", client,
            "--advertise-client-urls", client,
            "--listen-peer-urls", Peer(member),
            "--initial-advertise-peer-urls", Peer(member),
            "--initial-cluster", string.Join(',', peers),
            "--initial-cluster-state", "new",
            "--quota-backend-bytes", QuotaBytes.ToString(CultureInfo.InvariantCulture),
            "--logger", "zap",
            "--log-level", "error",
        ];
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        // Settings of the caller's environment would beat nothing here but could add to it.
        foreach (var name in info.Environment.Keys.Where(name => name.StartsWith("ETCD_", StringComparison.Ordinal)).ToList())
        {
            info.Environment.Remove(name);
        }

        return info;
    }

    protected override async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        foreach (var endpoint in Endpoints)
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri($"http://{endpoint}/health"), cancellationToken)
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

    private string Peer(int member) => $"http://127.0.0.1:{Ports[Endpoints.Count + member]}";
}
