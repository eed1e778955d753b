using KvCloud.Client.Connections;
using KvCloud.Client.Diagnostics;
using Microsoft.Extensions.Logging;

namespace KvCloud.Client.Topology;

/// <summary>
/// The nodes this client knows, and the one it believes to lead. Starts from the seeds; the cluster's own member list
/// replaces them, and the seeds remain as a fallback when no member can be reached. Thread-safe.
/// </summary>
internal sealed class ClusterTopology(
    ConnectorFactory factory, PoolOptions pool, ILogger logger, CancellationToken clientClosing) : IAsyncDisposable
{
    /// <summary>A leader whose circuit breaker is open is still tried at every n-th attempt.</summary>
    private const int TryUnhealthyLeaderEvery = 3;

    private readonly Lock _lock = new();
    private readonly Dictionary<NodeEndpoint, Node> _all = [];
    private readonly HashSet<NodeEndpoint> _seeds = [];
    private readonly HashSet<NodeEndpoint> _named = [];
    private readonly List<Task> _departing = [];

    // Replaced as a whole under the lock; read without it.
    private Node[] _members = [];
    private Node[] _everyone = [];
    private Node? _leader;
    private Node? _loggedLeader;
    private long _leaderTerm;
    private long _leaderChanges;

    // Completed while a leader is known to answer; replaced while no call knows whether there is one.
    private TaskCompletionSource _leaderFound = NewFound(isFound: true);

    public IReadOnlyList<Node> Everyone => Volatile.Read(ref _everyone);

    public Node? Leader => Volatile.Read(ref _leader);

    /// <summary>How often the known leader has changed. Read it before asking a node for the members.</summary>
    public long LeaderChanges => Volatile.Read(ref _leaderChanges);

    /// <summary>Whether a node has told this client the members of the cluster.</summary>
    public bool KnowsMembers => Volatile.Read(ref _members).Length > 0;

    public void SetSeeds(IReadOnlyList<NodeEndpoint> seeds)
    {
        lock (_lock)
        {
            _seeds.Clear();
            foreach (NodeEndpoint seed in seeds)
            {
                _seeds.Add(seed);
                GetOrAddLocked(seed);
            }

            DropUnknownNodesLocked();
        }
    }

    /// <summary>
    /// Applies a node's view of the cluster: all members, and the leader with its term. A view of an older term comes
    /// from a node that lags behind and is ignored. So is one that was overtaken because a call has learned something
    /// about the leader since the node was asked: leaderChanges is <see cref="LeaderChanges"/> from before the request.
    /// </summary>
    public void SetMembers(IReadOnlyList<NodeEndpoint> members, NodeEndpoint? leader, long term, long leaderChanges)
    {
        lock (_lock)
        {
            Volatile.Write(ref _members, [.. members.Distinct().Select(GetOrAddLocked)]);
            bool isOvertaken = _leader is not null && leaderChanges != _leaderChanges;
            if (leader is { } endpoint && term >= _leaderTerm && !isOvertaken)
            {
                _leaderTerm = term;
                SetLeaderLocked(GetOrAddLocked(endpoint));
            }

            DropUnknownNodesLocked();
        }
    }

    /// <summary>A node reported the leader. Null when the endpoint cannot be parsed.</summary>
    public Node? SetLeader(string endpointText)
    {
        if (!NodeEndpoint.TryParse(endpointText, out NodeEndpoint endpoint, out _))
        {
            return null;
        }

        lock (_lock)
        {
            Node leader = GetOrAddLocked(endpoint);
            SetLeaderLocked(leader);
            _leaderChanges++;
            return leader;
        }
    }

    /// <summary>The node no longer leads, as far as this client knew it to lead.</summary>
    public void ForgetLeader(Node node) => Interlocked.CompareExchange(ref _leader, null, node);

    /// <summary>
    /// A node did what only the leader can do. It need not be the leader: with write_routing = "forward" a follower
    /// forwards writes, so the leader reported by the cluster stays.
    /// </summary>
    public void ConfirmLeader(Node node)
    {
        if (Leader is null or { IsCircuitOpen: true })
        {
            lock (_lock)
            {
                if (_leader is null or { IsCircuitOpen: true })
                {
                    SetLeaderLocked(node);
                    _leaderChanges++;
                }
            }
        }

        TaskCompletionSource found = Volatile.Read(ref _leaderFound);
        if (!found.Task.IsCompleted)
        {
            found.TrySetResult();
        }
    }

    /// <summary>
    /// Completes as soon as some call has found the leader. While waiting, callers need not ask themselves: one that
    /// asks is enough for a thousand that wait.
    /// </summary>
    public Task WhenLeaderFound()
    {
        TaskCompletionSource found = Volatile.Read(ref _leaderFound);
        if (!found.Task.IsCompleted)
        {
            return found.Task;
        }

        TaskCompletionSource searching = NewFound(isFound: false);
        return Interlocked.CompareExchange(ref _leaderFound, searching, found) == found
            ? searching.Task
            : Volatile.Read(ref _leaderFound).Task;
    }

    /// <summary>A node named by the caller; it is kept whatever the cluster reports.</summary>
    public Node Named(NodeEndpoint endpoint)
    {
        lock (_lock)
        {
            _named.Add(endpoint);
            return GetOrAddLocked(endpoint);
        }
    }

    /// <summary>The node to send leader-only calls to.</summary>
    /// <param name="attempt">Number of the attempt, from 0.</param>
    /// <param name="avoid">The node that has just failed, or null.</param>
    public Node? PickForLeader(int attempt, Node? avoid)
    {
        Node? leader = Leader;
        bool mayTry = leader is { IsCircuitOpen: false }
            || attempt % TryUnhealthyLeaderEvery == TryUnhealthyLeaderEvery - 1;
        return leader is not null && mayTry && !ReferenceEquals(leader, avoid) ? leader : PickAny(avoid);
    }

    /// <summary>
    /// The better of two random nodes, by observed latency and calls in flight. A deprioritized node is taken
    /// only where there is no other.
    /// </summary>
    public Node? PickAny(Node? avoid)
    {
        Node[] members = Volatile.Read(ref _members);
        return PickHealthy(members, avoid, mayBeDeprioritized: false)
            ?? PickHealthy(members, avoid, mayBeDeprioritized: true)
            ?? PickHealthy(Volatile.Read(ref _everyone), avoid, mayBeDeprioritized: true)
            ?? PickSoonest(Volatile.Read(ref _everyone), avoid);
    }

    public async ValueTask DisposeAsync()
    {
        Node[] nodes;
        Task[] departing;
        lock (_lock)
        {
            nodes = [.. _all.Values];
            departing = [.. _departing];
        }

        foreach (Node node in nodes)
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(departing).ConfigureAwait(false);
    }

    private static TaskCompletionSource NewFound(bool isFound)
    {
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (isFound)
        {
            found.SetResult();
        }

        return found;
    }

    private static Node? PickHealthy(Node[] nodes, Node? avoid, bool mayBeDeprioritized)
    {
        int healthy = 0;
        foreach (Node node in nodes)
        {
            healthy += IsCandidate(node, avoid, mayBeDeprioritized) ? 1 : 0;
        }

        if (healthy == 0)
        {
            return null;
        }

        Node first = NthCandidate(nodes, avoid, mayBeDeprioritized, Random.Shared.Next(healthy));
        if (healthy == 1)
        {
            return first;
        }

        Node second = NthCandidate(nodes, avoid, mayBeDeprioritized, Random.Shared.Next(healthy));
        return second.Score < first.Score ? second : first;
    }

    private static bool IsCandidate(Node node, Node? avoid, bool mayBeDeprioritized) =>
        !node.IsCircuitOpen && !ReferenceEquals(node, avoid) && (mayBeDeprioritized || !node.IsDeprioritized);

    private static Node NthCandidate(Node[] nodes, Node? avoid, bool mayBeDeprioritized, int n)
    {
        Node? last = null;
        foreach (Node node in nodes)
        {
            if (IsCandidate(node, avoid, mayBeDeprioritized))
            {
                last = node;
                if (n-- == 0)
                {
                    return node;
                }
            }
        }

        // Another thread has just opened a circuit breaker, or deprioritized a node.
        return last ?? nodes[0];
    }

    /// <summary>All circuit breakers are open: the node whose pause ends first.</summary>
    private static Node? PickSoonest(Node[] nodes, Node? avoid) =>
        nodes.Where(node => !ReferenceEquals(node, avoid)).MinBy(node => node.CircuitOpenUntilMs)
        ?? (nodes.Length > 0 ? nodes[0] : null);

    private void SetLeaderLocked(Node leader)
    {
        Volatile.Write(ref _leader, leader);
        if (!ReferenceEquals(_loggedLeader, leader))
        {
            _loggedLeader = leader;
            logger.LeaderKnown(leader.Name);
        }
    }

    private Node GetOrAddLocked(NodeEndpoint endpoint)
    {
        if (!_all.TryGetValue(endpoint, out Node? node))
        {
            node = new Node(endpoint, factory, pool, logger, clientClosing);
            _all.Add(endpoint, node);
            Volatile.Write(ref _everyone, [.. _all.Values]);
        }

        return node;
    }

    /// <summary>A node that is neither a seed nor a member nor the leader has left the cluster.</summary>
    private void DropUnknownNodesLocked()
    {
        if (!KnowsMembers)
        {
            return;
        }

        foreach (Node node in _all.Values.ToArray())
        {
            bool isKept = _seeds.Contains(node.Endpoint) || _named.Contains(node.Endpoint);
            if (!isKept && !_members.Contains(node) && !ReferenceEquals(node, _leader))
            {
                _all.Remove(node.Endpoint);
                _departing.Add(node.DisposeAsync().AsTask());
            }
        }

        _departing.RemoveAll(task => task.IsCompletedSuccessfully);
        Volatile.Write(ref _everyone, [.. _all.Values]);
    }
}
