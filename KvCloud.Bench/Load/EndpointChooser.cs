namespace KvCloud.Bench.Load;

/// <summary>Finds the leader.</summary>
internal interface ILeaderFinder
{
    /// <summary>The leader's client endpoint; null if there is no leader at the moment.</summary>
    Task<string?> FindLeaderAsync(IReadOnlyList<string> endpoints, CancellationToken cancellationToken);
}

/// <summary>
/// Chooses the endpoint of each connection. Loops read the current choice; a separate task looks the leader up again
/// when a loop reports that it may have changed.
/// </summary>
internal sealed class EndpointChooser : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly IReadOnlyList<string> _endpoints;
    private readonly TargetKind _target;
    private readonly ILeaderFinder _finder;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _doubts = new(0);
    private readonly Task _refresh;
    private volatile string _leader;

    private EndpointChooser(IReadOnlyList<string> endpoints, TargetKind target, ILeaderFinder finder, string leader)
    {
        _endpoints = endpoints;
        _target = target;
        _finder = finder;
        _leader = leader;
        _refresh = RefreshAsync();
    }

    public bool FollowsLeader => _target == TargetKind.Leader;

    public static async Task<EndpointChooser> CreateAsync(
        LoadOptions options, ILeaderFinder finder, CancellationToken cancellationToken)
    {
        TargetKind target = options.EffectiveTarget;
        string leader = target == TargetKind.All
            ? options.Endpoints[0]
            : await WaitForLeaderAsync(options.Endpoints, finder, cancellationToken).ConfigureAwait(false);
        return new EndpointChooser(options.Endpoints, target, finder, leader);
    }

    /// <summary>The endpoint of connection <paramref name="number"/>.</summary>
    public string Of(int number)
    {
        if (_target == TargetKind.Leader)
        {
            return _leader;
        }

        string leader = _leader;
        IReadOnlyList<string> candidates = _target == TargetKind.Followers && _endpoints.Count > 1
            ? [.. _endpoints.Where(endpoint => endpoint != leader)]
            : _endpoints;
        return candidates[number % candidates.Count];
    }

    /// <summary>Reports that the leader may have changed.</summary>
    public void InvalidateLeader()
    {
        if (_doubts.CurrentCount == 0)
        {
            _doubts.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _refresh.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _doubts.Dispose();
    }

    private static async Task<string> WaitForLeaderAsync(
        IReadOnlyList<string> endpoints, ILeaderFinder finder, CancellationToken cancellationToken)
    {
        const int Attempts = 100;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (await finder.FindLeaderAsync(endpoints, cancellationToken).ConfigureAwait(false) is { } leader)
            {
                return leader;
            }

            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }

        throw new BenchException($"none of {string.Join(", ", endpoints)} knows a leader");
    }

    private async Task RefreshAsync()
    {
        while (true)
        {
            await _doubts.WaitAsync(_stop.Token).ConfigureAwait(false);
            if (await _finder.FindLeaderAsync(_endpoints, _stop.Token).ConfigureAwait(false) is { } leader)
            {
                _leader = leader;
            }

            await Task.Delay(Pause, _stop.Token).ConfigureAwait(false);
        }
    }
}
