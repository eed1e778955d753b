using System.Collections.Concurrent;
using System.Diagnostics;
using KvCloud.Client;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>Three replicas, real processes, each on a disk of its own that a power cut takes from.</summary>
internal sealed class PowerCutCluster : IAsyncDisposable
{
    public const int Count = 3;

    /// <summary>128 and the number of SIGKILL.</summary>
    private const int KilledExitCode = 137;

    /// <summary>About what a good disk takes. Without it nothing would ever be in the middle of a sync.</summary>
    private static readonly TimeSpan SyncTime = TimeSpan.FromMicroseconds(300);

    private readonly Topology _topology;
    private readonly ProcessCluster _processes;
    private readonly ConcurrentQueue<string> _alarms = new();

    /// <param name="path">For the disks.</param>
    public PowerCutCluster(string path)
    {
        _topology = Topology.OnFreePorts(Count, path);
        Disks = [.. _topology.Replicas.Select(replica => new LossyDisk(Path.Combine(path, replica.Name)))];
        _processes = new ProcessCluster(_topology, new ProcessClusterOptions
        {
            RestartCrashed = false,
            ExtraEnvironment = EnvironmentOf,
            OnLine = NoteLine,
        });
    }

    public IReadOnlyList<LossyDisk> Disks { get; }

    /// <summary>Whether the disks stay when this is disposed.</summary>
    public bool IsKept { get; set; }

    /// <summary>Where clients reach each replica.</summary>
    public IReadOnlyList<string> Endpoints => [.. _topology.ClientEndpoints];

    /// <summary>Lines in which a replica says that replicas differ.</summary>
    public IReadOnlyCollection<string> Alarms => _alarms;

    public void Start() => _processes.Start();

    public void Start(int index) => _processes.Start(index);

    /// <exception cref="ReplicaDownException">A replica refused to start, or failed.</exception>
    /// <exception cref="TimeoutException">They run and are not healthy; the message has their last lines.</exception>
    /// <param name="timeout">From now on.</param>
    /// <param name="only">Which; all if there are none.</param>
    public async Task WaitHealthyAsync(TimeSpan timeout, params int[] only)
    {
        using var cancellation = new CancellationTokenSource(timeout);
        try
        {
            await _processes.WaitHealthyAsync(
                only.Length > 0 ? only : [.. Enumerable.Range(0, Count)], cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            IEnumerable<string> lines = _processes.Nodes.SelectMany(
                node => node.Tail.TakeLast(20).Select(line => $"{node.Replica.Name} | {line}"));
            throw new TimeoutException(
                $"not healthy {timeout.TotalSeconds:0} s after the start:\n{string.Join('\n', lines)}");
        }
    }

    /// <summary>Waits for the replica on the disk that trips to have killed itself; whether it has.</summary>
    public async Task<bool> WaitTrippedAsync(int index, TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < timeout)
        {
            if (_processes.Nodes[index].State == NodeState.Ended)
            {
                return true;
            }

            await Task.Delay(1);
        }

        return false;
    }

    /// <summary>Takes the power from all machines at once; gives what their disks lost.</summary>
    /// <exception cref="ReplicaDownException">A replica had ended by itself before.</exception>
    public async Task<DiskLoss> CutAsync(Random random, double? survival = null)
    {
        for (int index = 0; index < Count; index++)
        {
            if (!Disks[index].IsTripping || _processes.Nodes[index].LastExitCode != KilledExitCode)
            {
                _processes.ThrowIfDead(index);
            }
        }

        await _processes.KillAllAsync();
        DiskLoss loss = default;
        foreach (LossyDisk disk in Disks)
        {
            disk.IsTripping = false;
            loss += disk.Cut(random, survival);
        }

        return loss;
    }

    public KvCloudClient NewClient(TimeSpan timeout) => new(new KvCloudClientSettings
    {
        ConnectionString = $"Endpoints={string.Join(',', Endpoints)}",
        Timeout = timeout,
    });

    public async ValueTask DisposeAsync()
    {
        await _processes.DisposeAsync();
        if (!IsKept)
        {
            Directory.Delete(_topology.DataRoot, recursive: true);
        }
    }

    /// <summary>Flushes, compactions and changes of segments often enough for cuts to meet them.</summary>
    private IEnumerable<KeyValuePair<string, string?>> EnvironmentOf(Replica replica) =>
    [
        new(NodeEnvironment.BasePath, Disks[replica.Index].Root),
        new("KvCloud__Rocksdb__WriteBufferSizeMb", "1"),
        new("KvCloud__Memory__WriteBufferManagerLimitMb", "1"),
        new("KvCloud__Compaction__Level0FileNumCompactionTrigger", "2"),
        new("KvCloud__Mvcc__RetentionSeconds", "5"),
        // Killed, it would leave its pipes for debuggers behind.
        new("DOTNET_EnableDiagnostics", "0"),
        .. Disks[replica.Index].Environment(SyncTime),
    ];

    private void NoteLine(Replica replica, string line)
    {
        if (line.Contains("STATE DIVERGED", StringComparison.Ordinal))
        {
            _alarms.Enqueue($"{replica.Name}: {line}");
        }
    }
}
