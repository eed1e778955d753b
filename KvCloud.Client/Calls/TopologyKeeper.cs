using KvCloud.Client.Connections;
using KvCloud.Client.Topology;
using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Calls;

/// <summary>
/// The client's background work: deadlines, keep-alive, probes of nodes whose circuit breaker is open, and refreshing
/// the cluster's members. Starts with the first call; <see cref="DisposeAsync"/> awaits all of it.
/// </summary>
internal sealed class TopologyKeeper(
    ClusterTopology topology, IEndpointSource seeds, CallEngine engine, ClientOptions options) : IAsyncDisposable
{
    /// <summary>Also the resolution of deadlines.</summary>
    private const int SweepIntervalMs = 15;
    private const int ShortestRefreshIntervalMs = 250;
    private const int RefreshTimeoutMs = 2_000;
    private const int ProbeTimeoutMs = 1_000;

    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _seeding = new(1, 1);
    private readonly SemaphoreSlim _refreshWanted = new(0, 1);
    private readonly Dictionary<Node, Task> _probes = [];
    private bool _isSeeded;
    private bool _isClosed;
    private Task _sweeping = Task.CompletedTask;
    private Task _refreshing = Task.CompletedTask;

    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Resolves the first endpoints and starts the background work, once.</summary>
    public ValueTask EnsureSeedsAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(IsClosed, typeof(KvCloudClient));
        return Volatile.Read(ref _isSeeded) ? ValueTask.CompletedTask : SeedAsync(cancellationToken);
    }

    /// <summary>A caller saw a node fail: ask again for the members and the leader.</summary>
    public void RequestRefresh()
    {
        if (_refreshWanted.CurrentCount > 0)
        {
            return;
        }

        try
        {
            _refreshWanted.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another caller was first; one request is enough.
        }
        catch (ObjectDisposedException)
        {
            // The client is closing; nobody needs the answer any more.
        }
    }

    /// <summary>Asks one node for the members of the cluster.</summary>
    public async Task<KvClusterHealth> RefreshAsync(int? timeoutMs, CancellationToken cancellationToken)
    {
        long leaderChanges = topology.LeaderChanges;
        Reply reply = await engine
            .CallAsync(new HealthCall(options.AuthToken), CallTarget.AnyReplica, timeoutMs, false, cancellationToken)
            .ConfigureAwait(false);
        KvClusterHealth health = await StructReader.ReadHealthAsync(reply, cancellationToken).ConfigureAwait(false);
        Learn(health, leaderChanges);
        return health;
    }

    /// <summary>From now on no call starts and none is retried.</summary>
    public void Close() => Volatile.Write(ref _isClosed, true);

    public async ValueTask DisposeAsync()
    {
        Close();
        await _seeding.WaitAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await _sweeping.ConfigureAwait(false);
        await _refreshing.ConfigureAwait(false);
        await Task.WhenAll(_probes.Values).ConfigureAwait(false);
        _refreshWanted.Dispose();
        _seeding.Dispose();
        _closing.Dispose();
    }

    private async ValueTask SeedAsync(CancellationToken cancellationToken)
    {
        await _seeding.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isSeeded || IsClosed)
            {
                return;
            }

            await ResolveSeedsAsync(cancellationToken).ConfigureAwait(false);

            // The loops outlive the call that starts them, so they must not belong to its trace.
            using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
            {
                _sweeping = Task.Run(SweepLoopAsync, CancellationToken.None);
                _refreshing = Task.Run(RefreshLoopAsync, CancellationToken.None);
            }

            Volatile.Write(ref _isSeeded, true);
        }
        finally
        {
            _seeding.Release();
        }
    }

    private async ValueTask ResolveSeedsAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<NodeEndpoint> endpoints = await seeds.GetAsync(cancellationToken).ConfigureAwait(false);
        if (endpoints.Count == 0 && topology.Everyone.Count == 0)
        {
            throw new KvCloudException(ErrorCode.NETWORK, "service discovery found no endpoint of the cluster");
        }

        if (endpoints.Count > 0)
        {
            topology.SetSeeds(endpoints);
        }
    }

    private async Task SweepLoopAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(SweepIntervalMs), options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_closing.Token).ConfigureAwait(false))
            {
                long now = options.Time.TickMs();
                foreach (Node node in topology.Everyone)
                {
                    node.Sweep(now);
                    if (node.IsProbeDue || node.SilentSince(now - options.KeepAliveIntervalMs).Any())
                    {
                        Probe(node, now);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The client is closing.
        }
    }

    /// <summary>At most one probe of a node runs at a time.</summary>
    private void Probe(Node node, long nowTickMs)
    {
        if (!_probes.TryGetValue(node, out Task? running) || running.IsCompleted)
        {
            _probes[node] = Task.Run(() => ProbeAsync(node, nowTickMs), CancellationToken.None);
        }

        foreach (Node gone in _probes.Keys.Where(known => !topology.Everyone.Contains(known)).ToArray())
        {
            if (_probes[gone].IsCompleted)
            {
                _probes.Remove(gone);
            }
        }
    }

    /// <summary>Pings over each idle connection, or over a new one if the circuit breaker is open.</summary>
    private async Task ProbeAsync(Node node, long nowTickMs)
    {
        try
        {
            var connectors = node.SilentSince(nowTickMs - options.KeepAliveIntervalMs).ToList();
            if (node.IsCircuitOpen
                && (node.TryGetConnector() ?? await node.OpenAsync(_closing.Token).ConfigureAwait(false)) is { } opened)
            {
                connectors.Add(opened);
            }

            foreach (Connector connector in connectors)
            {
                long started = options.Time.TickMs();
                Reply reply = await connector
                    .SendAsync(new PingCall(default, 0), default, started + ProbeTimeoutMs, _closing.Token)
                    .ConfigureAwait(false);
                if (reply.Status == ReplyStatus.Answered)
                {
                    node.ReportAnswer(options.Time.TickMs() - started);
                }
                else
                {
                    node.ReportConnectFailure(reply.Message ?? "it does not answer");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The client is closing.
        }
    }

    private async Task RefreshLoopAsync()
    {
        // An interval that is over is one more who wants a refresh.
        await using ITimer due = options.Time.CreateTimer(
            keeper => ((TopologyKeeper)keeper!).RequestRefresh(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        var interval = TimeSpan.FromMilliseconds(options.RefreshIntervalMs);
        try
        {
            while (true)
            {
                await TryRefreshAsync().ConfigureAwait(false);
                await Task.Delay(TimeSpan.FromMilliseconds(ShortestRefreshIntervalMs), options.Time, _closing.Token)
                    .ConfigureAwait(false);
                due.Change(interval, Timeout.InfiniteTimeSpan);
                await _refreshWanted.WaitAsync(_closing.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The client is closing.
        }
    }

    private async Task TryRefreshAsync()
    {
        try
        {
            if (Volatile.Read(ref _isSeeded))
            {
                await ResolveSeedsAsync(_closing.Token).ConfigureAwait(false);
            }

            await RefreshAsync(RefreshTimeoutMs, _closing.Token).ConfigureAwait(false);
        }
        catch (KvCloudException exception)
        {
            // Keep the known members; the next round asks again, and calls report their own failures.
            Diagnostics.ClientTelemetry.RefreshFailed(exception.ErrorCode);
        }
        catch (ObjectDisposedException) when (IsClosed)
        {
            // The client closed between two rounds.
        }
    }

    private void Learn(KvClusterHealth health, long leaderChanges)
    {
        var members = new List<NodeEndpoint>();
        NodeEndpoint? leader = null;
        foreach (KvNodeStatus status in health.Nodes)
        {
            if (NodeEndpoint.TryParse(status.Endpoint, out NodeEndpoint endpoint, out _))
            {
                members.Add(endpoint);
                leader = status.IsLeader ? endpoint : leader;
            }
        }

        if (members.Count > 0)
        {
            topology.SetMembers(members, leader, health.Term, leaderChanges);
        }
    }
}
