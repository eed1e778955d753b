using System.Collections.Immutable;
using System.Diagnostics;

namespace KvCloud.LocalCluster;

/// <summary>
/// The topology as plain child processes. The AppHost runs it for people, with lines on a terminal; tests run it to
/// kill, pause and restart single replicas. One cluster per data root; disposing ends every process at once,
/// <see cref="StopAsync()"/> gently.
/// </summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// What this program was started with and its replicas must not be: addresses of the dashboard or of another web
    /// application.
    /// </summary>
    private static readonly string[] NotInherited =
    [
        "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_URLS", "URLS",
        "DOTNET_LAUNCH_PROFILE", "DOTNET_ENVIRONMENT",
    ];

    private readonly ProcessClusterOptions _options;
    private readonly string _nodeAssembly;
    private readonly HealthProbe _probe = new();
    private DataRootLock? _lock;

    /// <exception cref="TopologyException">The replica's program is not to be found.</exception>
    public ProcessCluster(Topology topology, ProcessClusterOptions? options = null)
    {
        Topology = topology.Validated();
        _options = options ?? new ProcessClusterOptions();
        _nodeAssembly = FindNode(_options.NodeAssembly);
        Nodes = [.. topology.Replicas.Select(r => new NodeProcess(r, _options, () => StartInfo(r)))];
    }

    public Topology Topology { get; }

    public ImmutableArray<NodeProcess> Nodes { get; }

    /// <summary>
    /// Starts all replicas. They are healthy some time later: <see cref="WaitHealthyAsync(CancellationToken)"/>.
    /// </summary>
    /// <exception cref="TopologyException">A port is taken, or another cluster runs on the data root.</exception>
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

    /// <summary>Stops one replica gently; it stays down until <see cref="Start(int)"/>.</summary>
    public Task StopAsync(int index) => Nodes[index].StopAsync();

    /// <summary>Stops one replica gently, if it runs, and starts it again.</summary>
    public async Task RestartAsync(int index)
    {
        await Nodes[index].StopAsync().ConfigureAwait(false);
        Nodes[index].Start();
    }

    /// <summary>The last lines a replica wrote.</summary>
    public IReadOnlyList<string> LogTail(int index) => Nodes[index].Tail;

    public Task<bool> IsHealthyAsync(int index, CancellationToken cancellationToken) =>
        _probe.IsHealthyAsync(Topology.Host, Nodes[index].Replica, cancellationToken);

    /// <summary>leader or follower, as the replica itself has it; null when it does not say.</summary>
    public Task<string?> RoleAsync(int index, CancellationToken cancellationToken) =>
        _probe.RoleAsync(Topology.Host, Nodes[index].Replica, cancellationToken);

    /// <summary>Waits until all replicas are healthy in one and the same round of questions.</summary>
    /// <exception cref="InvalidOperationException">A replica ended and stays down; the message has its last
    /// lines.</exception>
    public Task WaitHealthyAsync(CancellationToken cancellationToken) =>
        WaitHealthyAsync([.. Nodes.Select(n => n.Replica.Index)], cancellationToken);

    /// <inheritdoc cref="WaitHealthyAsync(CancellationToken)"/>
    public async Task WaitHealthyAsync(IReadOnlyCollection<int> indexes, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (int index in indexes)
            {
                DemandAlive(Nodes[index]);
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

    /// <summary>Stops all replicas gently and side by side, and lets go of the data root.</summary>
    public Task StopAsync() => StopAllAsync(atOnce: false);

    /// <summary>SIGKILL for all of them.</summary>
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

    private static void DemandAlive(NodeProcess node)
    {
        if (node.State is NodeState.Ended or NodeState.Stopped)
        {
            throw new InvalidOperationException(
                $"{node.Replica.Name} is down (exit code {node.LastExitCode}). Its last lines:\n"
                + string.Join('\n', node.Tail.TakeLast(20)));
        }
    }

    private ProcessStartInfo StartInfo(Replica replica)
    {
        var info = new ProcessStartInfo
        {
            FileName = DotNet.Host,
            ArgumentList = { _nodeAssembly },
            // Where its appsettings.json is.
            WorkingDirectory = Path.GetDirectoryName(_nodeAssembly)!,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in info.Environment.Keys.Where(IsNotInherited).ToList())
        {
            info.Environment.Remove(name);
        }

        foreach ((string name, string value) in NodeEnvironment.ForProcess(Topology, replica))
        {
            info.Environment[name] = value;
        }

        foreach ((string name, string? value) in _options.ExtraEnvironment?.Invoke(replica) ?? [])
        {
            info.Environment[name] = value;
        }

        return info;
    }

    private static bool IsNotInherited(string name) =>
        NotInherited.Contains(name, StringComparer.OrdinalIgnoreCase)
        || name.StartsWith("ASPIRE_", StringComparison.Ordinal);

    private static string FindNode(string? chosen)
    {
        string path = chosen is null
            ? NodeProgram.Assembly ?? throw new TopologyException(
                "The replica's program is not where it was built to; build the solution again, or name "
                + "KvCloud.Node.dll with --node.")
            : Path.GetFullPath(chosen);
        return File.Exists(path) ? path : throw new TopologyException($"There is no replica's program at {path}.");
    }
}
