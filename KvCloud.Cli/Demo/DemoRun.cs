using System.Diagnostics;
using System.Globalization;
using KvCloud.Certificates;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Demo;

/// <summary>One run of `kv demo` and its cluster.</summary>
internal sealed class DemoRun(DemoOptions options, KvConsole console)
{
    /// <summary>If the default ports are occupied, the next base ports to try are this far apart.</summary>
    private const int BaseStep = 1_000;

    /// <summary>The system assigns higher ports to outgoing connections.</summary>
    private const int HighestBase = 30_000;

    /// <summary>Lines printed per replica when the start takes long.</summary>
    private const int ShownLines = 10;

    private const string CertificateFolder = "certificates";

    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>If the start takes longer than this, print the replicas' latest output.</summary>
    private static readonly TimeSpan UsualStart = TimeSpan.FromSeconds(10);

    private volatile bool _isHeldBack = !options.WithLogs;
    private volatile bool _isKilled;

    /// <returns>The exit code.</returns>
    /// <exception cref="LocalClusterException">The cluster cannot be started; the message says why.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var data = new DemoData(options.Data, console);
        int replicas = data.Replicas(options.Replicas, Topology.DefaultReplicas);
        Topology topology = WithCertificates(
            ChooseTopology(replicas, data.Root, options.BasePort, hasConsole: options.HasConsole));
        await using var log = new DemoLog(console.Out, console.IsOutputTerminal && IsColourWanted());
        await using var cluster = new ProcessCluster(topology, new ProcessClusterOptions
        {
            RestartCrashed = options.RestartCrashed,
            InheritSettings = true,
            ExtraEnvironment = _ => LogLevels(),
            OnLine = (replica, line) => PrintLine(log, replica, line),
            OnEvent = happened => Tell(log, happened),
        });
        using var stop = new StopSignals(() => Kill(cluster), cancellationToken);

        long started = Stopwatch.GetTimestamp();
        cluster.Start();
        TellPorts(log, topology);
        log.Report(topology.Replicas.Length == 1
            ? "starting 1 replica …"
            : string.Create(CultureInfo.InvariantCulture, $"starting {topology.Replicas.Length} replicas …"));
        int exitCode;
        await using (ConsoleProcess? page = StartConsole(topology, log))
        {
            exitCode = await UntilStopAsync(cluster, page, data, log, started, stop.Requested);
        }

        if (stop.Requested.IsCancellationRequested)
        {
            log.Report("stopping; Ctrl-C again kills the replicas");
        }

        _isHeldBack = !options.WithLogs;
        await cluster.StopAsync();
        log.Report(data.IsKept ? $"stopped; the data stays in {data.Root}" : "stopped; the data is removed");
        return _isKilled ? ExitCode.Interrupted : exitCode;
    }

    /// <summary>The ports from the command line; otherwise the default ports, or the next free ones.</summary>
    internal static Topology ChooseTopology(
        int replicas,
        string dataRoot,
        int? basePort,
        int usualBase = Topology.DefaultBasePort,
        bool hasConsole = false)
    {
        if (basePort is { } given)
        {
            return At(given);
        }

        Topology usual = At(usualBase);
        for (Topology next = usual; ;)
        {
            if (PortCheck.Taken(next).Count == 0)
            {
                return next;
            }

            int nextBase = next.Replicas[0].ThriftPort + BaseStep;
            if (nextBase > HighestBase)
            {
                // The start will report the error.
                return usual;
            }

            next = At(nextBase);
        }

        Topology At(int first) => Topology.Create(replicas, first, dataRoot) with
        {
            ConsolePort = hasConsole ? first + Topology.ConsoleStep : null,
        };
    }

    private ConsoleProcess? StartConsole(Topology topology, DemoLog log) => topology.ConsolePort is null
        ? null
        : ConsoleProcess.Start(topology, options.WithLogs ? log.ConsoleLine : null);

    /// <summary>They are in the data root, so that data that is kept keeps its CA too.</summary>
    private Topology WithCertificates(Topology topology)
    {
        if (!options.IsSecure)
        {
            return topology;
        }

        var certificates = LocalCertificates.Ensure(
            Path.Combine(topology.DataRoot, CertificateFolder),
            topology.ClusterId,
            topology.Replicas.Select(replica => replica.Index),
            TimeProvider.System);
        return topology with
        {
            Tls = new LocalTls(
                certificates.Authority,
                node => (certificates.Node(node).Certificate, certificates.Node(node).Key)),
        };
    }

    private void TellPorts(DemoLog log, Topology topology)
    {
        if (options.BasePort is null && topology.Replicas[0].ThriftPort != Topology.DefaultBasePort)
        {
            var usual = Topology.Create(topology.Replicas.Length);
            log.Report(string.Create(
                CultureInfo.InvariantCulture,
                $"the default ports from {usual.Replicas[0].ThriftPort} on are in use; this cluster"
                + $" uses the ports from {topology.Replicas[0].ThriftPort} on (see --base-port)"));
        }
    }

    private async Task<int> UntilStopAsync(
        ProcessCluster cluster,
        ConsoleProcess? page,
        DemoData data,
        DemoLog log,
        long started,
        CancellationToken stop)
    {
        try
        {
            await WaitHealthyAsync(cluster, log, stop);
            TimeSpan took = Stopwatch.GetElapsedTime(started);
            Uri? address = page is not null && await page.WaitUntilItAnswersAsync(stop) ? page.Address : null;
            if (page is not null)
            {
                _ = TellEndAsync(page, log);
            }

            string?[] roles = await RolesAsync(cluster, stop);
            log.Write(DemoText.Ready(cluster, roles, data, options, address, took));
            await WatchAsync(cluster, log, Array.IndexOf(roles, "leader"), stop);
            log.Report("no replica is running any more");
            return ExitCode.Unavailable;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Ok;
        }
        catch (ReplicaDownException exception)
        {
            console.WriteError(exception.Message);
            return ExitCode.Unavailable;
        }
    }

    private async Task WaitHealthyAsync(ProcessCluster cluster, DemoLog log, CancellationToken stop)
    {
        Task healthy = cluster.WaitHealthyAsync(stop);
        if (await Task.WhenAny(healthy, Task.Delay(UsualStart, CancellationToken.None)) != healthy && _isHeldBack)
        {
            log.Report("still waiting for all replicas to become healthy; their latest output:");
            foreach (NodeProcess node in cluster.Nodes)
            {
                foreach (string line in node.Tail.TakeLast(ShownLines))
                {
                    log.Line(node.Replica, line);
                }
            }

            _isHeldBack = false;
        }

        await healthy;
        _isHeldBack = false;
    }

    /// <summary>
    /// Suppresses warnings of replicas that cannot reach one another, which are normal while replicas start or stop.
    /// </summary>
    private void PrintLine(DemoLog log, Replica replica, string line)
    {
        if (!_isHeldBack)
        {
            log.Line(replica, line);
        }
    }

    /// <summary>Reports each change of leader until no replica is left.</summary>
    private static async Task WatchAsync(ProcessCluster cluster, DemoLog log, int leader, CancellationToken stop)
    {
        while (cluster.Nodes.Any(node => node.State is NodeState.Running or NodeState.Pausing))
        {
            await Task.Delay(WatchInterval, stop);
            string?[] roles = await RolesAsync(cluster, stop);
            if (Array.IndexOf(roles, "leader") is >= 0 and int now && now != leader)
            {
                leader = now;
                log.Report($"{cluster.Nodes[now].Replica.Name} leads now");
            }
        }
    }

    private static Task<string?[]> RolesAsync(ProcessCluster cluster, CancellationToken cancellationToken) =>
        Task.WhenAll(cluster.Nodes.Select(node => cluster.RoleAsync(node.Replica.Index, cancellationToken)));

    private IEnumerable<KeyValuePair<string, string?>> LogLevels()
    {
        if (!options.WithLogs)
        {
            // Warnings are always shown.
            yield return new("KvCloud__Logging__LogLevel", "warn");
        }
    }

    private static async Task TellEndAsync(ConsoleProcess page, DemoLog log)
    {
        if (await page.Ended is { } end)
        {
            log.Report($"the console has ended with {end}");
        }
    }

    private void Tell(DemoLog log, NodeEvent happened)
    {
        if (options.WithLogs || !happened.IsAskedFor)
        {
            log.Report(happened.ToString());
        }
    }

    private void Kill(ProcessCluster cluster)
    {
        _isKilled = true;
        _ = cluster.KillAllAsync();
    }

    private static bool IsColourWanted() => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
}
