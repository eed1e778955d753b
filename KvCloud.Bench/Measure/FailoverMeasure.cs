using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Drivers;
using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Measure;

/// <summary>
/// Kills the leader with SIGKILL and measures the time to the first acknowledged write. A write is attempted on every
/// survivor every few milliseconds, also while earlier attempts hang, so that no client timeout affects the result.
/// </summary>
internal sealed class FailoverMeasure(BenchCluster cluster)
{
    private const int AttemptsAtATime = 256;

    // An attempt that a dead leader swallowed must not occupy its slot until the server's own timeout (etcd: 7 s).
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan RecoveryTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Kills leaders, at least one, until <paramref name="kills"/> are done or the budget is used up. Returns the
    /// seconds of each failover.
    /// </summary>
    public async Task<IReadOnlyList<double>> RunAsync(int kills, TimeSpan budget, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        var seconds = new List<double>();
        while (seconds.Count < kills && (seconds.Count == 0 || Stopwatch.GetElapsedTime(started) < budget))
        {
            seconds.Add((await KillOnceAsync(cancellationToken).ConfigureAwait(false)).TotalSeconds);
        }

        return seconds;
    }

    private async Task<TimeSpan> KillOnceAsync(CancellationToken cancellationToken)
    {
        string leader = await DriverFactory.LeaderFinder(cluster.Driver).FindLeaderAsync(
            cluster.Endpoints, cancellationToken)
            .ConfigureAwait(false) ?? throw new BenchException($"{cluster.Name} has no leader to kill");
        int member = cluster.Endpoints.ToList().IndexOf(leader);
        if (member < 0)
        {
            throw new BenchException($"{cluster.Name} names {leader} as its leader, which is not one of its members");
        }

        var survivors = cluster.Endpoints.Where((_, i) => i != member).ToList();
        long started = Stopwatch.GetTimestamp();
        await cluster.Members[member].KillAsync().ConfigureAwait(false);
        TimeSpan took = await FirstWriteAsync(survivors, started, cancellationToken).ConfigureAwait(false);
        await cluster.RestartAsync(member, cancellationToken).ConfigureAwait(false);
        await Task.Delay(Settle, cancellationToken).ConfigureAwait(false);
        return took;
    }

    private async Task<TimeSpan> FirstWriteAsync(
        List<string> survivors, long started, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(RecoveryTimeout);
        var first = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var idle = survivors.ToDictionary(survivor => survivor, _ => new ConcurrentBag<ProbeConnection>());
        var attempts = new List<Task>();
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                attempts.RemoveAll(attempt => attempt.IsCompletedSuccessfully);
                foreach (string? survivor in survivors.Where(_ => attempts.Count < AttemptsAtATime * survivors.Count))
                {
                    attempts.Add(TryWriteAsync(survivor, idle[survivor], first, stop.Token));
                }
            }
            while (!first.Task.IsCompleted && await timer.WaitForNextTickAsync(stop.Token).ConfigureAwait(false));
            return Stopwatch.GetElapsedTime(started, await first.Task.ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BenchException(
                $"{cluster.Name} accepted no write for {RecoveryTimeout.TotalSeconds} s after its leader was killed");
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(attempts).ConfigureAwait(false);
            foreach (ProbeConnection? connection in idle.Values.SelectMany(connections => connections))
            {
                connection.Dispose();
            }
        }
    }

    private async Task TryWriteAsync(
        string endpoint, ConcurrentBag<ProbeConnection> idle, TaskCompletionSource<long> first,
        CancellationToken cancellationToken)
    {
        ProbeConnection? connection = null;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(AttemptTimeout);
        try
        {
            if (!idle.TryTake(out connection))
            {
                WireProtocol protocol = cluster.Driver == DriverKind.Etcd
                    ? new EtcdProtocol(endpoint)
                    : new ThriftProtocol();
                connection = await ProbeConnection
                    .ConnectAsync(endpoint, protocol, deadline.Token).ConfigureAwait(false);
            }

            WireAnswer answer = await connection
                .SetAsync("kfailover"u8.ToArray(), new byte[100], deadline.Token).ConfigureAwait(false);
            if (answer.Status == CallStatus.Ok)
            {
                first.TrySetResult(Stopwatch.GetTimestamp());
            }

            idle.Add(connection);
        }
        catch (Exception failure) when (failure is SocketException or WireException or OperationCanceledException)
        {
            // Expected while there is no leader; the next attempt follows in a few milliseconds.
            connection?.Dispose();
        }
    }
}
