using System.Runtime.InteropServices;

namespace KvCloud.LocalCluster;

/// <summary>
/// Runs the topology as child processes until it is asked to end: by Ctrl-C, SIGTERM, or the end of its terminal.
/// </summary>
internal static class ProcessOrchestrator
{
    /// <returns>The exit code.</returns>
    /// <exception cref="TopologyException">It cannot be started; the message says why.</exception>
    public static async Task<int> RunAsync(Topology topology)
    {
        await using ConsoleLog log = ConsoleLog.ToConsole();
        await using var cluster = new ProcessCluster(topology, new ProcessClusterOptions
        {
            OnLine = log.Line,
            OnEvent = log.Event,
        });
        using var end = new EndRequest(() => _ = cluster.KillAllAsync());

        cluster.Start();
        log.Say($"{topology.Replicas.Length} replica(s), data in {topology.DataRoot}; Ctrl-C ends them.");
        int exitCode = await UntilEndAsync(cluster, log, end.Requested).ConfigureAwait(false);
        log.Say("ending the replicas; Ctrl-C again kills them.");
        await cluster.StopAsync().ConfigureAwait(false);
        return exitCode;
    }

    private static async Task<int> UntilEndAsync(ProcessCluster cluster, ConsoleLog log, CancellationToken end)
    {
        try
        {
            await cluster.WaitHealthyAsync(end).ConfigureAwait(false);
            log.Write(await AnnouncementAsync(cluster, end).ConfigureAwait(false));
            while (cluster.Nodes.Any(n => n.State is NodeState.Running or NodeState.Pausing))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), end).ConfigureAwait(false);
            }

            log.Say("no replica is left running.");
            return 1;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (InvalidOperationException e)
        {
            log.Say(e.Message);
            return 1;
        }
    }

    private static async Task<string> AnnouncementAsync(ProcessCluster cluster, CancellationToken end)
    {
        string?[] roles = await Task.WhenAll(cluster.Nodes.Select(n => cluster.RoleAsync(n.Replica.Index, end)))
            .ConfigureAwait(false);
        string endpoints = EndpointTable.ClientEndpoints(cluster.Topology);
        return $"""

            All {cluster.Nodes.Length} replicas are healthy.

            {EndpointTable.Render(cluster.Topology, roles, [.. cluster.Nodes.Select(n => n.ProcessId)])}
              dotnet run --project KvCloud.Cli -- status --endpoints {endpoints}
              dotnet run --project KvCloud.Cli -- set hello world --endpoints {endpoints}

            """;
    }

    /// <summary>The first request asks the replicas to end, the second does not ask any more.</summary>
    private sealed class EndRequest : IDisposable
    {
        private static readonly PosixSignal[] Signals =
            [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

        private readonly CancellationTokenSource _requested = new();
        private readonly Action _again;
        private readonly List<PosixSignalRegistration> _registrations = [];

        public EndRequest(Action again)
        {
            _again = again;
            foreach (PosixSignal signal in Signals)
            {
                _registrations.Add(PosixSignalRegistration.Create(signal, Heard));
            }
        }

        public CancellationToken Requested => _requested.Token;

        public void Dispose()
        {
            _registrations.ForEach(r => r.Dispose());
            _requested.Dispose();
        }

        private void Heard(PosixSignalContext context)
        {
            context.Cancel = true;
            if (_requested.IsCancellationRequested)
            {
                _again();
            }
            else
            {
                _requested.Cancel();
            }
        }
    }
}
