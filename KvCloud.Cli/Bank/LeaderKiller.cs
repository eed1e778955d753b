using System.Diagnostics;
using System.Net;
using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.Cli.Bank;

/// <summary>
/// Kills the process that leads, every so often, as `kill -9` would. Only on this machine: it must answer at a loopback
/// address that it leads itself, and under which process id. Something else has to start it again.
/// </summary>
internal sealed class LeaderKiller(KvCloudClient client, TimeSpan every, Action<string> tell) : IDisposable
{
    private static readonly TimeSpan AskPause = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };

    public int Killed { get; private set; }

    /// <summary>Whom it could not kill is refused before anything begins.</summary>
    public static void Require(KvClusterHealth health)
    {
        if (health.Nodes.FirstOrDefault(node => node.HttpEndpoint is { } http && !IsOnThisMachine(http)) is { } away)
        {
            throw new UsageException(
                $"--kill-leader-every works on this machine only, and node {away.Id} answers at {away.HttpEndpoint}");
        }
    }

    /// <summary>Kills until <paramref name="until"/> is cancelled.</summary>
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
            // That is how it ends.
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
            // It has gone by itself meanwhile, or nobody leads: the next may.
            return false;
        }
    }

    private static bool IsOnThisMachine(string endpoint)
    {
        string host = endpoint[..endpoint.LastIndexOf(':')];
        return host == "localhost"
            || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    /// <summary>Null when it does not take itself for the leader.</summary>
    private async Task<int?> ProcessOfLeaderAsync(string http, int id, CancellationToken cancellationToken)
    {
        using Stream body = await _http.GetStreamAsync(new Uri($"http://{http}/status"), cancellationToken);
        using JsonDocument status = await JsonDocument.ParseAsync(body, default, cancellationToken);
        JsonElement root = status.RootElement;
        return root.GetProperty("answered_by").GetInt32() == id
            && root.GetProperty("leader_id").ValueKind == JsonValueKind.Number
            && root.GetProperty("leader_id").GetInt32() == id
            ? root.GetProperty("process_id").GetInt32()
            : null;
    }
}
