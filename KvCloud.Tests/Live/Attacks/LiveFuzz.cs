using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KvCloud.Bench.Measure;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Tests.Fuzzing;
using KvCloud.Tests.Fuzzing.Targets;
using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>
/// Changed inputs for both ports of a live leader, while ten callers write and read and check every answer: no crash,
/// no growth of memory, no wrong answer to others.
/// </summary>
internal sealed class LiveFuzz(long inputs, int seed, Action<string> tell)
{
    /// <summary>Most of them wait at any time, for a call that has not got its answer yet.</summary>
    private const int Senders = 96;

    private const int PeerEvery = 10;
    private const int MostOnOneConnection = 64;
    private const double MostGrowthMb = 300;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    /// <summary>A call may wait for its deadline, which is longer.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private long _sent;
    private long _connections;
    private int _lines;

    public List<string> Findings { get; } = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // In Production, and with a token that no input has: what an administrator may do is not tried here.
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ =>
            [
                new("DOTNET_ENVIRONMENT", "Production"),
                new("ASPNETCORE_ENVIRONMENT", "Production"),
                new("KvCloud__Security__AuthToken", Guid.NewGuid().ToString()),
            ],
            onLine: (_, _) => Interlocked.Increment(ref _lines));
        await using KvCloudClient client = cluster.NewClient(settings => settings.AuthToken = "none");
        await using var load = new KeptLoad(
            cluster.Endpoints,
            new KeptLoadOptions
            {
                Writers = 5,
                Readers = 5,
                KeysOfOneWriter = 200,
                Pace = TimeSpan.FromMilliseconds(5),
            },
            seed);
        await load.NextAcknowledgedAsync(StartTimeout);
        await Task.Delay(Window / 3, cancellationToken);
        load.Writes.Take();
        load.Reads.Take();
        await Task.Delay(Window / 3, cancellationToken);
        Report("alone", load, cluster, out double[] before);
        int[] pids = Pids(cluster);
        Task[] senders =
        [
            .. Enumerable.Range(0, Senders).Select(
                sender => Task.Run(() => SendAsync(cluster.Topology, sender, cancellationToken), cancellationToken)),
        ];
        var all = Task.WhenAll(senders);
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(Window, cancellationToken));
            Report($"{Interlocked.Read(ref _sent)} inputs", load, cluster, out _);
        }

        await all;
        await load.StopAsync();
        Report("at the end", load, cluster, out double[] after);
        await CheckAsync(cluster, load, pids, before, after);
    }

    private async Task CheckAsync(LiveCluster cluster, KeptLoad load, int[] pids, double[] before, double[] after)
    {
        if (!pids.SequenceEqual(Pids(cluster)))
        {
            Findings.Add("a replica ended");
        }

        for (int node = 0; node < before.Length; node++)
        {
            if (after[node] - before[node] > MostGrowthMb)
            {
                Findings.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"node-{node} grew from {before[node]:0} to {after[node]:0} MB"));
            }
        }

        Findings.AddRange(load.Violations);
        foreach (string endpoint in cluster.Endpoints)
        {
            (int lost, IReadOnlyList<string> examples) = await load.FindLostAsync(endpoint);
            if (lost > 0)
            {
                Findings.Add($"{endpoint} lost {lost} acknowledged writes, such as {examples[0]}");
            }
        }
    }

    private void Report(string when, KeptLoad load, LiveCluster cluster, out double[] megabytes)
    {
        (CallFigures writes, CallFigures reads) = (load.Writes.Take(), load.Reads.Take());
        megabytes = [.. Pids(cluster).Select(MemoryMb)];
        tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{when}: {string.Join(", ", megabytes.Select(mb => $"{mb:0}"))} MB; {writes.Count} writes, p99"
            + $" {writes.P99.TotalMilliseconds:0.0} ms; {reads.Count} reads, p99 {reads.P99.TotalMilliseconds:0.0} ms;"
            + $" {writes.Errors.Values.Sum() + reads.Errors.Values.Sum()} failed;"
            + $" {Interlocked.Read(ref _connections)} connections, {Volatile.Read(ref _lines)} log lines"));
    }

    /// <summary>
    /// Nine of ten connections go to a clients' port, the others to a peers' port. Whole calls follow each other on one
    /// connection; an input that is none is its connection's last, so that each is read.
    /// </summary>
    private async Task SendAsync(Topology topology, int sender, CancellationToken cancellationToken)
    {
        var calls = new Mutator(FuzzTargets.Find("thrift-calls")!, seed + sender);
        var hellos = new Mutator(FuzzTargets.Find("handshakes")!, seed + sender);
        byte[] answers = new byte[256 * 1024];
        for (int turn = 0; Interlocked.Read(ref _sent) < inputs && !cancellationToken.IsCancellationRequested; turn++)
        {
            Replica replica = topology.Replicas[turn % topology.Replicas.Length];
            bool isPeer = turn % PeerEvery == 0;
            var target = new IPEndPoint(IPAddress.Loopback, isPeer ? replica.PeerPort : replica.ThriftPort);
            var source = new IPAddress([127, 0, (byte)(70 + sender), (byte)(1 + (turn % 200))]);
            using Socket? socket = await AttackSockets.TryConnectAsync(target, source);
            if (socket is null)
            {
                await Task.Delay(5, cancellationToken);
                continue;
            }

            // Without the minute for which the system would keep the address of each of millions.
            socket.LingerState = new LingerOption(true, 0);
            Interlocked.Increment(ref _connections);
            (byte[] bytes, int count) = isPeer ? (hellos.Next(), 1) : NextCalls(calls);
            await SendOnAsync(socket, bytes, answers);
            Interlocked.Add(ref _sent, count);
        }
    }

    private static (byte[] Bytes, int Count) NextCalls(Mutator calls)
    {
        List<byte> bytes = [];
        for (int count = 1; ; count++)
        {
            byte[] input = calls.Next();
            bytes.AddRange(input);
            if (count == MostOnOneConnection || !ThriftTargets.IsWholeCall(input))
            {
                return ([.. bytes], count);
            }
        }
    }

    /// <summary>Sends, and reads answers until the replica closes the connection or has none for a while.</summary>
    private static async Task SendOnAsync(Socket socket, byte[] bytes, byte[] answers)
    {
        try
        {
            using var longest = new CancellationTokenSource(LongestWait);
            await socket.SendAsync(bytes, longest.Token);
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(answers, longest.Token) > 0)
            {
                // Whatever it is.
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // Closed by the replica, or a call that waits for something.
        }
    }

    private static int[] Pids(LiveCluster cluster) =>
        [.. cluster.Processes.Nodes.Select(node => node.ProcessId ?? 0)];

    private static double MemoryMb(int pid)
    {
        string file = $"/proc/{pid}/status";
        return File.Exists(file) ? ProcFile.ParseNumber(File.ReadAllText(file), "VmRSS") / 1024.0 : 0;
    }
}
