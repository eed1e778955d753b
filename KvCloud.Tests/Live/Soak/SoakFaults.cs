using System.Globalization;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Live.Lifecycle;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.Soak;

/// <summary>
/// Injects one fault after the other; each ends before the next begins, though a replica may still be recovering.
/// </summary>
internal sealed class SoakFaults
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly GrowingCluster _cluster;
    private readonly SoakOptions _options;
    private readonly SoakReport _report;
    private readonly Random _random;
    private readonly Func<TimeSpan> _now;
    private readonly (string Name, int Weight, Func<int, CancellationToken, Task> RunAsync)[] _kinds;
    private readonly List<(TimeSpan Time, string Fault)> _made = [];
    private TimeSpan _lastReplaced;

    public SoakFaults(GrowingCluster cluster, SoakOptions options, SoakReport report, Func<TimeSpan> now)
    {
        _cluster = cluster;
        _options = options;
        _report = report;
        _now = now;
        _random = new Random(options.Seed);
        _kinds =
        [
            ("kill", 5, KillAsync),
            ("restart", 3, RestartAsync),
            ("pause", 4, PauseAsync),
            ("deaf", 3, DeafenAsync),
            ("reset", 3, ResetAsync),
            ("delay", 3, DelayAsync),
            ("transfer", 3, TransferAsync),
            ("absence", 1, StayAwayAsync),
        ];
    }

    /// <summary>The injected faults, and when each began.</summary>
    public IReadOnlyList<(TimeSpan Time, string Fault)> Made => _made;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await RestAsync(_random.NextDouble() * _options.LongestRest, stop);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            int node = _cluster.Members[_random.Next(_cluster.Members.Count)];
            if (_now() - _lastReplaced > _options.ReplaceEvery && _cluster.NumbersLeft > 0)
            {
                _lastReplaced = _now();
                await MakeAsync("replace", node, ReplaceAsync, stop);
                continue;
            }

            (string name, _, Func<int, CancellationToken, Task> run) = Draw();
            await MakeAsync(name, node, run, stop);
        }
    }

    private (string Name, int Weight, Func<int, CancellationToken, Task> RunAsync) Draw()
    {
        int left = _random.Next(_kinds.Sum(kind => kind.Weight));
        return _kinds.First(kind => (left -= kind.Weight) < 0);
    }

    private async Task MakeAsync(
        string name, int node, Func<int, CancellationToken, Task> run, CancellationToken stop)
    {
        _made.Add((_now(), string.Create(CultureInfo.InvariantCulture, $"{name} node-{node}")));
        _report.Faults[name] = _report.Faults.GetValueOrDefault(name) + 1;
        _options.Tell(string.Create(
            CultureInfo.InvariantCulture, $"{_now().TotalSeconds,6:0} s  {name} node-{node}"));
        await run(node, stop);
    }

    private async Task KillAsync(int node, CancellationToken stop)
    {
        await _cluster.Processes.KillAsync(node);
        await RestAsync(Seconds(3), stop);
        _cluster.Start(node);
    }

    private async Task RestartAsync(int node, CancellationToken stop)
    {
        await _cluster.Processes.StopAsync(node);
        _cluster.Start(node);
    }

    private async Task PauseAsync(int node, CancellationToken stop)
    {
        _cluster.Processes.Pause(node);
        await RestAsync(Seconds(6), stop);
        _cluster.Processes.Resume(node);
    }

    /// <summary>A one-way partition: peers cannot reach the replica, though it reaches them.</summary>
    private async Task DeafenAsync(int node, CancellationToken stop)
    {
        TcpProxy proxy = _cluster.ProxyOf(node);
        proxy.Cut();
        await RestAsync(Seconds(6), stop);
        proxy.Restore();
    }

    private Task ResetAsync(int node, CancellationToken stop)
    {
        _cluster.ProxyOf(node).Reset();
        return Task.CompletedTask;
    }

    private async Task DelayAsync(int node, CancellationToken stop)
    {
        TcpProxy proxy = _cluster.ProxyOf(node);
        proxy.Delay(proxy.Up, TimeSpan.FromMilliseconds(_random.Next(5, 120)));
        await RestAsync(Seconds(8), stop);
        proxy.Restore();
    }

    private async Task TransferAsync(int node, CancellationToken stop)
    {
        try
        {
            await _cluster.Admin.ChangeMembersAsync(
                new KvMemberChange { Kind = MemberChangeKind.TRANSFER_LEADERSHIP, NodeId = node },
                TimeSpan.FromSeconds(5),
                stop);
        }
        catch (Exception refused) when (refused is KvCloudException or OperationCanceledException)
        {
            // A successor that is behind or down cannot take over.
        }
    }

    private async Task StayAwayAsync(int node, CancellationToken stop)
    {
        await _cluster.WaitHealthyAsync(Patience);
        await _cluster.Processes.KillAsync(node);
        await RestAsync(_options.Absence, stop);
        _cluster.Start(node);
    }

    /// <summary>A replica loses its disk and is replaced by a new one.</summary>
    private async Task ReplaceAsync(int node, CancellationToken stop)
    {
        // A replica that is still behind would be missing in addition to the lost one.
        await _cluster.WaitHealthyAsync(Patience);
        await _cluster.Processes.KillAsync(node);
        Directory.Delete(_cluster.DirectoryOf(node), recursive: true);
        int added = await _cluster.AddAsync(Patience);
        await _cluster.ReplaceAsync(node, added, Patience);
    }

    private TimeSpan Seconds(double most) => TimeSpan.FromSeconds(_random.NextDouble() * most);

    private static Task RestAsync(TimeSpan time, CancellationToken stop) =>
        Task.Delay(time, stop).ContinueWith(
            _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
}
