using System.Collections.Immutable;
using System.Diagnostics;

namespace KvCloud.LocalCluster;

/// <summary>
/// A cluster whose replicas are child processes that can be killed, paused and restarted individually. One cluster per
/// data root. Disposing kills every process; <see cref="StopAsync()"/> stops them gracefully.
/// </summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);

    private readonly ProcessClusterOptions _options;
    private readonly HealthProbe _probe;
    private DataRootLock? _lock;

    public ProcessCluster(Topology topology, ProcessClusterOptions? options = null)
    {
        Topology = topology;
        _options = options ?? new ProcessClusterOptions();
        _probe = new HealthProbe(_options.ProbesByTls ? topology.Tls : null);
        Nodes = [.. topology.Replicas.Select(r => new NodeProcess(r, _options, () => StartInfo(r)))];
    }

    public Topology Topology { get; }

    public ImmutableArray<NodeProcess> Nodes { get; }

    /// <summary>
    /// Starts all replicas. They become healthy later: <see cref="WaitHealthyAsync(CancellationToken)"/>.
    /// </summary>
    /// <exception cref="LocalClusterException">
    /// A port is occupied, another cluster runs on the data root, or the replica's program was not found.
    /// </exception>
    public void Start()
    {
        _lock ??= DataRootLock.Acquire(Topology.DataRoot);
        PortCheck.Demand(Topology);
        foreach (NodeProcess node in Nodes)
        {
            node.Start();
        }
    }

    /// <summary>Starts one replica that was stopped or killed.</summary>
    public void Start(int index) => Nodes[index].Start();

    /// <inheritdoc cref="NodeProcess.KillAsync"/>
    public Task KillAsync(int index) => Nodes[index].KillAsync();

    /// <inheritdoc cref="NodeProcess.Pause"/>
    public void Pause(int index) => Nodes[index].Pause();

    /// <inheritdoc cref="NodeProcess.Resume"/>
    public void Resume(int index) => Nodes[index].Resume();

    /// <summary>Stops one replica gracefully; it stays down until <see cref="Start(int)"/>.</summary>
    public Task StopAsync(int index) => Nodes[index].StopAsync();

    /// <summary>Stops one replica gracefully, if it runs, and starts it again.</summary>
    public async Task RestartAsync(int index)
    {
        await Nodes[index].StopAsync().ConfigureAwait(false);
        Nodes[index].Start();
    }

    /// <summary>The last lines of a replica's output.</summary>
    public IReadOnlyList<string> LogTail(int index) => Nodes[index].Tail;

    public Task<bool> IsHealthyAsync(int index, CancellationToken cancellationToken) =>
        _probe.IsHealthyAsync(Topology.Host, Nodes[index].Replica, cancellationToken);

    /// <summary>The role the replica reports, leader or follower; null if it does not answer.</summary>
    public Task<string?> RoleAsync(int index, CancellationToken cancellationToken) =>
        _probe.RoleAsync(Topology.Host, Nodes[index].Replica, cancellationToken);

    /// <summary>Waits until all replicas are healthy in the same polling round.</summary>
    /// <exception cref="ReplicaDownException">A replica ended and stays down.</exception>
    public Task WaitHealthyAsync(CancellationToken cancellationToken) =>
        WaitHealthyAsync([.. Nodes.Select(n => n.Replica.Index)], cancellationToken);

    /// <inheritdoc cref="WaitHealthyAsync(CancellationToken)"/>
    public async Task WaitHealthyAsync(IReadOnlyCollection<int> indexes, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (int index in indexes)
            {
                ThrowIfDead(index);
            }

            bool[] healthy = await Task.WhenAll(indexes.Select(i => IsHealthyAsync(i, cancellationToken)))
                .ConfigureAwait(false);
            if (healthy.All(h => h))
            {
                return;
            }

            await Task.Delay(ProbeInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Throws if a replica is down and is not restarted.</summary>
    /// <exception cref="ReplicaDownException">It is down.</exception>
    public void ThrowIfDead(int index)
    {
        NodeProcess node = Nodes[index];
        if (node.State is NodeState.Ended or NodeState.Stopped)
        {
            throw new ReplicaDownException(
                $"{node.Replica.Name} is down (exit code {node.LastExitCode}). Its last lines:\n"
                + string.Join('\n', node.Tail.TakeLast(20)));
        }
    }

    /// <summary>Stops all replicas gracefully and concurrently, and releases the data root.</summary>
    public Task StopAsync() => StopAllAsync(atOnce: false);

    /// <summary>Sends SIGKILL to all replicas.</summary>
    public Task KillAllAsync() => Task.WhenAll(Nodes.Select(n => n.KillAsync()));

    public async ValueTask DisposeAsync()
    {
        await StopAllAsync(atOnce: true).ConfigureAwait(false);
        foreach (NodeProcess node in Nodes)
        {
            await node.DisposeAsync().ConfigureAwait(false);
        }

        _probe.Dispose();
    }

    private async Task StopAllAsync(bool atOnce)
    {
        await Task.WhenAll(Nodes.Select(n => n.StopAsync(atOnce))).ConfigureAwait(false);
        _lock?.Dispose();
        _lock = null;
    }

    private ProcessStartInfo StartInfo(Replica replica)
    {
        ProcessStartInfo info = NodeProgram.StartInfo(_options.InheritSettings);

        // A replica reads the kvcloud.toml next to its data, not one in the directory this process was started in.
        info.WorkingDirectory = Topology.DataRoot;
        foreach ((string name, string value) in NodeEnvironment.ForProcess(Topology, replica))
        {
            info.Environment[name] = value;
        }

        foreach ((string name, string? value) in _options.ExtraEnvironment?.Invoke(replica) ?? [])
        {
            info.Environment[name] = value;
        }

        if (_options.OutputFile is { } file)
        {
            OutputFile.Redirect(info, file(replica));
        }

        return info;
    }
}
