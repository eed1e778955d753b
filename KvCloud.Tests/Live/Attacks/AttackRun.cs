using System.Diagnostics;
using System.Globalization;
using System.Net;
using KvCloud.Bench.Measure;
using KvCloud.Bench.Report;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>
/// A cluster of real processes whose leader is attacked, one attack after the other, while ten callers write and read
/// and check every answer.
/// </summary>
internal sealed class AttackRun(AttackOptions options)
{
    /// <summary>
    /// Well below what the machine has, and far above what a replica needs for what its limits allow.
    /// </summary>
    private const double MostMb = 1_500;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private int _lines;

    public List<AttackRow> Rows { get; } = [];

    /// <summary>Acknowledged writes lost, reads that went back, processes that ended, memory without bound.</summary>
    public List<string> Findings { get; } = [];

    public async Task RunAsync()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ => [new("Logging__LogLevel__Default", "Information")],
            onLine: (_, _) => Interlocked.Increment(ref _lines));
        await using KvCloudClient client = cluster.NewClient();
        await using var load = new KeptLoad(
            cluster.Endpoints,
            new KeptLoadOptions { Writers = 5, Readers = 5, KeysOfOneWriter = 200, Pace = TimeSpan.Zero },
            seed: 1);
        await load.NextAcknowledgedAsync(Patience);
        await Task.Delay(options.Duration);
        foreach (Attack attack in options.Attacks)
        {
            await AttackAsync(cluster, await cluster.LeaderAsync(client), load, attack);
        }

        await load.StopAsync();
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

    public void Print()
    {
        ResultTable.Print(
            [
                "attack", "MB before", "most", "after", "write p99 before", "during", "read p99 before", "during",
                "failed", "log lines", "what happened",
            ],
            [
                .. Rows.Select(row => (string[])
                [
                    row.Name, Number(row.BeforeMb), Number(row.MostMb), Number(row.AfterMb),
                    Number(row.WriteP99BeforeMs), Number(row.WriteP99Ms), Number(row.ReadP99BeforeMs),
                    Number(row.ReadP99Ms), Number(row.Failed), Number(row.LogLines), row.What,
                ]),
            ]);
        foreach (string finding in Findings)
        {
            Console.WriteLine($"FOUND {finding}");
        }
    }

    private async Task AttackAsync(LiveCluster cluster, int victim, KeptLoad load, Attack attack)
    {
        Replica replica = cluster.Topology.Replicas[victim];
        int pid = cluster.Processes.Nodes[victim].ProcessId
            ?? throw new InvalidOperationException($"{replica.Name} does not run");
        load.Writes.Take();
        load.Reads.Take();
        await Task.Delay(options.Duration);
        (CallFigures writesBefore, CallFigures readsBefore) = (load.Writes.Take(), load.Reads.Take());
        double before = MemoryMb(pid);
        int linesBefore = Volatile.Read(ref _lines);
        using var stop = new CancellationTokenSource(options.Duration);
        Task<string> running = attack.Run(
            new AttackTarget(At(replica.ThriftPort), At(replica.PeerPort), At(replica.HttpPort)), stop.Token);
        double most = before;
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(100));
            most = Math.Max(most, MemoryMb(pid));
        }

        (CallFigures writes, CallFigures reads) = (load.Writes.Take(), load.Reads.Take());
        string what = await running;
        long after = Stopwatch.GetTimestamp();
        await load.NextAcknowledgedAsync(Patience);
        TimeSpan until = Stopwatch.GetElapsedTime(after);
        var row = new AttackRow(
            attack.Name, what, before, most, MemoryMb(pid),
            writesBefore.P99.TotalMilliseconds, writes.P99.TotalMilliseconds,
            readsBefore.P99.TotalMilliseconds, reads.P99.TotalMilliseconds,
            writes.Errors.Values.Sum() + reads.Errors.Values.Sum(), Volatile.Read(ref _lines) - linesBefore);
        Rows.Add(row);
        options.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Name}: {row.What}; {row.BeforeMb:0} to {row.MostMb:0} MB, p99 of writes {row.WriteP99Ms:0.0} ms,"
            + $" the next one {until.TotalMilliseconds:0} ms after it"));
        if (row.MostMb > MostMb)
        {
            Findings.Add($"{row.Name}: {row.MostMb} MB");
        }

        if (cluster.Processes.Nodes[victim].ProcessId != pid)
        {
            Findings.Add($"{row.Name}: {replica.Name} ended");
        }
    }

    private static IPEndPoint At(int port) => new(IPAddress.Loopback, port);

    private static double MemoryMb(int pid)
    {
        string file = $"/proc/{pid}/status";
        return File.Exists(file) ? ProcFile.ParseNumber(File.ReadAllText(file), "VmRSS") / 1024.0 : 0;
    }

    private static string Number(double value) => ResultTable.Number(value);
}
