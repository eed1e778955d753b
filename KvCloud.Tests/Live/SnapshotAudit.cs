using System.Collections.Concurrent;
using KvCloud.Client;

namespace KvCloud.Tests.Live;

/// <summary>
/// Reads a range at one version on every replica, over and over, and has each picture judged. Whatever holds at every
/// commit must hold in every picture.
/// </summary>
internal sealed class SnapshotAudit : IAsyncDisposable
{
    private readonly KvCloudClient _client;
    private readonly IReadOnlyList<string> _endpoints;
    private readonly KvRange _range;
    private readonly Func<List<KvEntry>, string?> _judge;
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly long[] _pictures;
    private readonly Task _running;

    /// <param name="cluster">Whom to ask.</param>
    /// <param name="prefix">Of the keys.</param>
    /// <param name="judge">What is wrong with the rows; null when all is well.</param>
    public SnapshotAudit(LiveCluster cluster, string prefix, Func<List<KvEntry>, string?> judge)
    {
        _endpoints = cluster.Endpoints;
        _client = cluster.NewClient();
        _range = KvRange.Prefix(prefix);
        _judge = judge;
        _pictures = new long[cluster.Count];
        _running = Task.Run(RunAsync);
    }

    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Pictures judged, by replica.</summary>
    public IReadOnlyList<long> Pictures => _pictures;

    /// <summary>When all is quiet: every replica must have one more picture.</summary>
    public async Task FinishAsync()
    {
        await _stop.CancelAsync();
        await _running;
        long version = await _client.GetReadVersionAsync();
        for (int replica = 0; replica < _endpoints.Count; replica++)
        {
            await LookAsync(replica, version, TimeSpan.FromSeconds(20));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        await _client.DisposeAsync();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                long version = await _client.GetReadVersionAsync();
                for (int replica = 0; replica < _endpoints.Count; replica++)
                {
                    try
                    {
                        await LookAsync(replica, version, TimeSpan.FromMilliseconds(500));
                    }
                    catch (KvCloudException)
                    {
                        // This replica is down or behind; the next may answer.
                    }
                }
            }
            catch (KvCloudException)
            {
                // Nobody leads.
            }

            await Task.Delay(10);
        }
    }

    private async Task LookAsync(int replica, long version, TimeSpan timeout)
    {
        var options = new KvReadOptions { AtVersion = version, Endpoint = _endpoints[replica], Timeout = timeout };
        List<KvEntry> rows = [];
        await foreach (KvEntry row in _client.RangeAsync(_range, options))
        {
            rows.Add(row);
        }

        _pictures[replica]++;
        if (_judge(rows) is { } finding)
        {
            _violations.Enqueue($"node-{replica} at version {version}: {finding}");
        }
    }
}
