using KvCloud.Bench.Load;
using KvCloud.Certificates;
using KvCloud.LocalCluster;

namespace KvCloud.Bench.Clusters;

/// <summary>
/// Replicas of KvCloud, with default settings unless others are given, running the program built together with this
/// one.
/// </summary>
internal sealed class KvCloudCluster : BenchCluster
{
    private readonly ProcessCluster _processes;

    /// <param name="tls">Which ports speak TLS, with certificates made for the occasion; null for none.</param>
    /// <param name="settings">Environment variables of each replica.</param>
    public KvCloudCluster(
        string dataRoot,
        int count = 3,
        TlsPorts? tls = null,
        IReadOnlyList<KeyValuePair<string, string?>>? settings = null)
        : base("kvcloud", dataRoot)
    {
        Topology topology = Topology.OnFreePorts(count, DataDirectory.FullName) with { Environment = "Production" };
        if (tls is not null)
        {
            var certificates = LocalCertificates.Ensure(
                Path.Combine(DataDirectory.FullName, "tls"),
                topology.ClusterId,
                topology.Replicas.Select(replica => replica.Index),
                TimeProvider.System);
            topology = topology with { Tls = new LocalTls(certificates.Authority, FilesOf) };
            ClientTls = tls.Clients
                ? new LoadTls(certificates.Authority, certificates.Client.Certificate, certificates.Client.Key)
                : null;

            (string, string) FilesOf(int node) =>
                (certificates.Node(node).Certificate, certificates.Node(node).Key);
        }

        _processes = new ProcessCluster(topology, new ProcessClusterOptions
        {
            RestartCrashed = false,
            ExtraEnvironment = _ =>
            [
                new("Logging__LogLevel__Default", "Warning"), .. tls?.Settings ?? [], .. settings ?? [],
            ],

            // The generator must not spend its time on reading the servers' output.
            OutputFile = replica => LogPath(replica.Index),
        });
        Endpoints = [.. topology.ClientEndpoints];
        Members = [.. _processes.Nodes.Select(node => new Member(_processes, node))];
    }

    /// <summary>How clients speak TLS; null: they speak clear text.</summary>
    public LoadTls? ClientTls { get; }

    public override DriverKind Driver => DriverKind.ThriftPipelined;

    public override IReadOnlyList<string> Endpoints { get; }

    public override IReadOnlyList<IBenchMember> Members { get; }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _processes.Start();
        return WaitReadyAsync(cancellationToken);
    }

    public override Task RestartAsync(int member, CancellationToken cancellationToken)
    {
        _processes.Start(member);
        return WaitReadyAsync(cancellationToken);
    }

    protected override async Task KillAsync() => await _processes.DisposeAsync().ConfigureAwait(false);

    /// <summary>Waits until all replicas are healthy and redirect clients to a leader.</summary>
    private async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartTimeout);
        try
        {
            await _processes.WaitHealthyAsync(limit.Token).ConfigureAwait(false);
            while (ClientTls is null && !await HasLeaderAsync(limit.Token).ConfigureAwait(false))
            {
                await Task.Delay(Pause, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BenchException(
                $"{Name} took longer than {StartTimeout.TotalSeconds} s to lead and serve; node-0 wrote:\n"
                + string.Join('\n', _processes.LogTail(0)));
        }
        catch (ReplicaDownException down)
        {
            throw new BenchException(down.Message, down);
        }
    }

    private sealed class Member(ProcessCluster processes, NodeProcess node) : IBenchMember
    {
        public string Name => $"kvcloud-{node.Replica.Index}";

        public int Pid => node.ProcessId ?? throw new InvalidOperationException($"{Name} is not running");

        public Task KillAsync() => node.KillAsync();

        public void ThrowIfNotRunning()
        {
            try
            {
                processes.ThrowIfDead(node.Replica.Index);
            }
            catch (ReplicaDownException down)
            {
                throw new BenchException(down.Message, down);
            }
        }
    }
}
