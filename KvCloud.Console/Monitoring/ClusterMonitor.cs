using KvCloud.Client;
using KvCloud.Monitoring;
using KvCloud.WebConsole.Sessions;
using ErrorCode = KvCloud.Protocol.ErrorCode;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>
/// Polls all nodes once a second and keeps the last minutes: each page of a session shows what this one loop has found,
/// however many browsers look at it. Not disposable: it ends with its session, and no page ends it.
/// </summary>
public sealed partial class ClusterMonitor(
    KvCloudClient client, NodeHttp nodeHttp, TimeProvider time, ILogger<ClusterMonitor> logger)
{
    /// <summary>Five minutes, at one sample a second.</summary>
    public const int KeptSamples = 300;

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>How often the client is asked for nodes that the known ones do not name.</summary>
    private static readonly TimeSpan DiscoveryInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstDiscoveryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DiscoveryTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Whoever was refused asks again after this: each try is in the nodes' audit trail, and a wrong password makes
    /// everybody behind this console wait.
    /// </summary>
    private static readonly TimeSpan RefusedInterval = TimeSpan.FromSeconds(10);

    private readonly NodePoller _poller = new(nodeHttp.Http, time);
    private readonly NodeReader _reader = new(nodeHttp.Http);
    private readonly Lock _gate = new();
    private readonly Queue<ClusterSample> _samples = new();
    private readonly EventTimeline _timeline = new();
    private readonly SortedDictionary<int, string> _nodes = [];
    private Task _discovery = Task.CompletedTask;
    private Task _events = Task.CompletedTask;
    private long _discoveredAt;
    private long? _refusedAt;
    private bool _isForbidden;

    /// <summary>Raised after each round, on the monitor's own task: a handler must not block.</summary>
    public event Action? Changed;

    public ClusterSample Latest { get; private set; } = ClusterSample.Empty;

    /// <summary>Why no node is known; null once one is.</summary>
    public string? DiscoveryError { get; private set; } = "no node has answered yet";

    /// <summary>Whether the cluster wants a login, or takes this one no longer.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Whether the nodes' HTTP is for administrators, and this login is none.</summary>
    public bool IsLimited => _isForbidden;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<ClusterSample> History
    {
        get
        {
            lock (_gate)
            {
                return [.. _samples];
            }
        }
    }

    /// <summary>Newest first: what the nodes remember, and what was noticed here.</summary>
    public IReadOnlyList<ClusterEvent> Events
    {
        get
        {
            lock (_gate)
            {
                return _timeline.Newest;
            }
        }
    }

    /// <summary>Until it is cancelled.</summary>
    internal async Task RunAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                // Not awaited: a cluster without a leader answers late, and what is known is shown meanwhile.
                if (_discovery.IsCompleted && time.GetElapsedTime(_discoveredAt) > DiscoveryPause)
                {
                    _discovery = DiscoverAsync(stoppingToken);
                }

                await PollAsync(stoppingToken);
                if (_events.IsCompleted && !_isForbidden)
                {
                    _events = ReadEventsAsync(stoppingToken);
                }

                Changed?.Invoke();
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(_discovery, _events);
        }
    }

    private TimeSpan DiscoveryPause => IsRefused ? RefusedInterval
        : Latest.Nodes.Count == 0 ? FirstDiscoveryInterval
        : DiscoveryInterval;

    private async Task DiscoverAsync(CancellationToken cancellationToken)
    {
        try
        {
            KvClusterHealth health = await client.GetClusterHealthAsync(
                new KvReadOptions { Timeout = DiscoveryTimeout }, cancellationToken);
            Know(health.Nodes.Select(node => (node.Id, node.HttpEndpoint)));
            DiscoveryError = null;
            IsRefused = false;
        }
        catch (KvCloudException error)
        {
            IsRefused = error.ErrorCode == ErrorCode.UNAUTHENTICATED;
            DiscoveryError = error.Message;
            DiscoveryFailed(logger, error.Message);
        }
        catch (OperationCanceledException)
        {
            // The console stops.
        }
        finally
        {
            _discoveredAt = time.GetTimestamp();
        }
    }

    private void Know(IEnumerable<(int Id, string? HttpEndpoint)> nodes)
    {
        lock (_gate)
        {
            foreach ((int id, string? endpoint) in nodes)
            {
                if (endpoint is not null && Uri.TryCreate($"http://{endpoint}", UriKind.Absolute, out _))
                {
                    _nodes[id] = endpoint;
                }
            }
        }
    }

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        if (_refusedAt is not long at || time.GetElapsedTime(at) > RefusedInterval)
        {
            SortedDictionary<int, NodeSample> asked = await AskNodesAsync(cancellationToken);
            NoteRefusals(asked.Values);
            if (!_isForbidden)
            {
                Note(asked);
                return;
            }
        }

        if (_isForbidden && await AskClusterAsync(cancellationToken) is { } told)
        {
            Note(told);
        }
    }

    private async Task<SortedDictionary<int, NodeSample>> AskNodesAsync(CancellationToken cancellationToken)
    {
        KeyValuePair<int, string>[] nodes;
        lock (_gate)
        {
            nodes = [.. _nodes];
        }

        NodeSample[] answers = await Task.WhenAll(
            nodes.Select(node => _poller.PollAsync(NodeHttp.AddressOf(node.Value), cancellationToken)));
        var samples = new SortedDictionary<int, NodeSample>();
        for (int i = 0; i < nodes.Length; i++)
        {
            samples.Add(nodes[i].Key, answers[i]);
        }

        return samples;
    }

    /// <summary>What happened at the nodes since they were last asked. One that does not answer is not asked.</summary>
    private async Task ReadEventsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(Latest.Members
                .Where(member => Latest.Nodes.GetValueOrDefault(member.NodeId) is { IsUp: true })
                .Where(member => !string.IsNullOrEmpty(member.HttpEndpoint))
                .Select(member => ReadEventsAsync(member.NodeId, member.HttpEndpoint!, cancellationToken)));
        }
        catch (OperationCanceledException)
        {
            // The console stops.
        }
    }

    private async Task ReadEventsAsync(int node, string endpoint, CancellationToken cancellationToken)
    {
        long? next;
        lock (_gate)
        {
            next = _timeline.NextOf(node);
        }

        string path = next is null ? "/events" : $"/events?limit=1000&after={next}";
        NodeAnswer<NodeEvents> answer = await _reader.ReadAsync<NodeEvents>(
            NodeHttp.AddressOf(endpoint), path, cancellationToken);
        if (answer.Value is { } events)
        {
            lock (_gate)
            {
                _timeline.Add(node, events);
            }
        }
    }

    /// <summary>A single node may be behind, and not know a user yet: all that answer must agree.</summary>
    private void NoteRefusals(IEnumerable<NodeSample> samples)
    {
        NodeSample[] answered = [.. samples.Where(one => one.IsUp || one.IsUnauthenticated || one.IsForbidden)];
        if (answered.Length == 0)
        {
            return;
        }

        _isForbidden = answered.All(one => one.IsForbidden);
        bool isUnauthenticated = answered.All(one => one.IsUnauthenticated);
        IsRefused = isUnauthenticated || (IsRefused && !answered.Any(one => one.IsUp || one.IsForbidden));
        _refusedAt = _isForbidden || isUnauthenticated ? time.GetTimestamp() : null;
    }

    /// <summary>Null: nobody has answered in time.</summary>
    private async Task<SortedDictionary<int, NodeSample>?> AskClusterAsync(CancellationToken cancellationToken)
    {
        try
        {
            KvClusterHealth health = await client.GetClusterHealthAsync(
                new KvReadOptions { Timeout = NodePoller.Deadline }, cancellationToken);
            return HealthSamples.From(health, _poller.NewSample);
        }
        catch (KvCloudException error)
        {
            IsRefused = IsRefused || error.ErrorCode == ErrorCode.UNAUTHENTICATED;
            return null;
        }
    }

    private void Note(SortedDictionary<int, NodeSample> samples)
    {
        ForgetRemoved(samples);
        var sample = new ClusterSample(
            time.GetUtcNow(),
            samples,
            samples.ToDictionary(
                node => node.Key,
                node => Latest.Nodes.TryGetValue(node.Key, out NodeSample? before)
                    ? NodeRates.Between(before, node.Value)
                    : NodeRates.None));
        Know(sample.Members.Select(member => (member.NodeId, member.HttpEndpoint)));
        lock (_gate)
        {
            foreach (ClusterEvent one in EventDetector.Between(Latest, sample, nodesTell: !_isForbidden))
            {
                _timeline.Add(one);
            }

            _samples.Enqueue(sample);
            if (_samples.Count > KeptSamples)
            {
                _samples.Dequeue();
            }

            Latest = sample;
        }
    }

    /// <summary>A node that does not answer and is a member no more is gone for good.</summary>
    private void ForgetRemoved(SortedDictionary<int, NodeSample> samples)
    {
        NodeStatus? newest = samples.Values
            .Select(sample => sample.Status)
            .OfType<NodeStatus>()
            .OrderByDescending(status => status.Self?.AppliedSlot)
            .FirstOrDefault();
        if (newest is null)
        {
            return;
        }

        int[] removed =
        [
            .. samples.Where(node => !node.Value.IsUp && newest.Nodes.All(member => member.NodeId != node.Key))
                .Select(node => node.Key),
        ];
        lock (_gate)
        {
            foreach (int id in removed)
            {
                samples.Remove(id);
                _nodes.Remove(id);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The cluster does not tell its nodes: {Reason}")]
    private static partial void DiscoveryFailed(ILogger logger, string reason);
}
