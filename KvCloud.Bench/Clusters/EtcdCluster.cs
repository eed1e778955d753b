using System.Diagnostics;
using System.Globalization;
using KvCloud.Bench.Load;
using KvCloud.LocalCluster;

namespace KvCloud.Bench.Clusters;

/// <summary>
/// etcd with its default settings: heartbeat 100 ms, election 1000 ms, fsync on. Only the space quota is raised and
/// logging reduced.
/// </summary>
internal sealed class EtcdCluster : BenchCluster
{
    private const long QuotaBytes = 8_000_000_000;
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    private readonly ServerProcess[] _servers;
    private readonly string[] _peers;

    public EtcdCluster(string dataRoot, int count = 3)
        : base("etcd", dataRoot)
    {
        int[] ports = FreePorts.Find(2 * count);
        Endpoints = [.. ports.Take(count).Select(port => $"127.0.0.1:{port}")];
        _peers = [.. ports.Skip(count).Select(port => $"http://127.0.0.1:{port}")];
        _servers =
        [
            .. Enumerable.Range(0, count).Select(i => new ServerProcess($"{Name}-{i}", LogPath(i), () => Describe(i))),
        ];
    }

    public override DriverKind Driver => DriverKind.Etcd;

    public override IReadOnlyList<string> Endpoints { get; }

    public override IReadOnlyList<IBenchMember> Members => _servers;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (ServerProcess server in _servers)
        {
            server.Start();
        }

        await WaitReadyAsync(cancellationToken).ConfigureAwait(false);
    }

    public override async Task RestartAsync(int member, CancellationToken cancellationToken)
    {
        _servers[member].Start();
        await WaitReadyAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override async Task KillAsync()
    {
        foreach (ServerProcess server in _servers)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    private ProcessStartInfo Describe(int member)
    {
        var info = new ProcessStartInfo("etcd") { WorkingDirectory = DataDirectory.FullName };
        string client = $"http://{Endpoints[member]}";
        string[] arguments =
        [
            "--name", $"m{member}",
            "--data-dir", Path.Combine(DataDirectory.FullName, $"m{member}"),
            "--listen-client-urls", client,
            "--advertise-client-urls", client,
            "--listen-peer-urls", _peers[member],
            "--initial-advertise-peer-urls", _peers[member],
            "--initial-cluster", string.Join(',', _peers.Select((peer, i) => $"m{i}={peer}")),
            "--initial-cluster-state", "new",
            "--quota-backend-bytes", QuotaBytes.ToString(CultureInfo.InvariantCulture),
            "--logger", "zap",
            "--log-level", "error",
        ];
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        // ETCD_ variables of the caller's environment could add settings to those given here.
        foreach (string? name in info.Environment.Keys.Where(name =>
            name.StartsWith("ETCD_", StringComparison.Ordinal)).ToList())
        {
            info.Environment.Remove(name);
        }

        return info;
    }

    private async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await IsReadyAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (ServerProcess server in _servers)
            {
                server.ThrowIfNotRunning();
            }

            if (Stopwatch.GetElapsedTime(started) > StartTimeout)
            {
                throw new BenchException(
                    $"{Name} took longer than {StartTimeout.TotalSeconds} s to lead and serve; {_servers[0].Name}"
                    + $" wrote:\n{_servers[0].LogTail()}");
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether all members serve requests and agree on a leader.</summary>
    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        foreach (string endpoint in Endpoints)
        {
            try
            {
                using HttpResponseMessage answer = await Http.GetAsync(
                    new Uri($"http://{endpoint}/health"), cancellationToken)
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
}
