using System.Diagnostics;
using System.Net;
using System.Text.Json;
using KvCloud.Certificates;
using KvCloud.Client;

namespace KvCloud.Cli.Bank;

/// <summary>
/// Periodically kills the leader's process like `kill -9`. Works only on this machine: the process must report at a
/// loopback address that it is the leader, and its process id. Something else has to restart it.
/// </summary>
/// <param name="client">Knows who leads.</param>
/// <param name="every">How often.</param>
/// <param name="authority">The CAs that replicas are believed by over HTTPS; null: they speak HTTP.</param>
/// <param name="tell">Is told of each kill.</param>
internal sealed class LeaderKiller(KvCloudClient client, TimeSpan every, string? authority, Action<string> tell)
    : IDisposable
{
    private static readonly TimeSpan AskPause = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new(HandlerOf(authority)) { Timeout = TimeSpan.FromSeconds(2) };

    private readonly string _scheme = authority is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;

    public int Killed { get; private set; }

    /// <summary>Rejects a cluster with replicas that cannot be killed, before anything starts.</summary>
    public static void Require(KvClusterHealth health)
    {
        if (health.Nodes.FirstOrDefault(node => node.HttpEndpoint is { } http && !IsOnThisMachine(http)) is { } away)
        {
            throw new UsageException(
                $"--kill-leader-every works on this machine only, and node {away.Id} answers at {away.HttpEndpoint}");
        }
    }

    /// <summary>Kills leaders until <paramref name="until"/> is cancelled.</summary>
    public async Task RunAsync(CancellationToken until)
    {
        try
        {
            using var timer = new PeriodicTimer(every);
            while (await timer.WaitForNextTickAsync(until))
            {
                while (!await TryKillAsync(until))
                {
                    await Task.Delay(AskPause, until);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The normal end of the run.
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<bool> TryKillAsync(CancellationToken cancellationToken)
    {
        try
        {
            KvClusterHealth health = await client.GetClusterHealthAsync(
                new KvReadOptions { Timeout = TimeSpan.FromSeconds(2) }, cancellationToken);
            if (health.Leader is not { HttpEndpoint: { } http } leader)
            {
                return false;
            }

            if (!IsOnThisMachine(http)
                || await ProcessOfLeaderAsync(http, leader.Id, cancellationToken) is not int processId)
            {
                return false;
            }

            using var process = Process.GetProcessById(processId);
            process.Kill();
            Killed++;
            tell($"killed node-{leader.Id}, which led (process {processId})");
            return true;
        }
        catch (Exception exception) when (exception is KvCloudException { IsTransient: true } or HttpRequestException
            or ArgumentException or InvalidOperationException)
        {
            // The process ended on its own, or there is no leader; retry later.
            return false;
        }
    }

    private static SocketsHttpHandler HandlerOf(string? authority)
    {
        var handler = new SocketsHttpHandler();
        if (authority is not null)
        {
            handler.SslOptions.CertificateChainPolicy = CertificateFile.Trusting(authority);
        }

        return handler;
    }

    private static bool IsOnThisMachine(string endpoint)
    {
        string host = endpoint[..endpoint.LastIndexOf(':')];
        return host == "localhost"
            || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    /// <summary>Null if the replica does not consider itself the leader.</summary>
    private async Task<int?> ProcessOfLeaderAsync(string http, int id, CancellationToken cancellationToken)
    {
        using Stream body = await _http.GetStreamAsync(new Uri($"{_scheme}://{http}/status"), cancellationToken);
        using JsonDocument status = await JsonDocument.ParseAsync(body, default, cancellationToken);
        JsonElement root = status.RootElement;
        return root.GetProperty("answered_by").GetInt32() == id
            && root.GetProperty("leader_id").ValueKind == JsonValueKind.Number
            && root.GetProperty("leader_id").GetInt32() == id
            ? root.GetProperty("process_id").GetInt32()
            : null;
    }
}
