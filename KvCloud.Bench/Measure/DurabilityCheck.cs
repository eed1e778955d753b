using System.Diagnostics;
using System.Globalization;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Measure;

/// <summary>One member's disk activity while puts were acknowledged.</summary>
/// <param name="Member">The member's name.</param>
/// <param name="Syncs">Calls of fsync and fdatasync counted by strace; null if strace is not available.</param>
/// <param name="WrittenBytes">Bytes written by the process according to the kernel.</param>
internal sealed record MemberDurability(string Member, long? Syncs, long WrittenBytes);

/// <summary>
/// Checks that a cluster syncs what it acknowledges. Its throughput is not a result, because strace slows the servers.
/// </summary>
internal sealed record DurabilityCheck(
    string Cluster, double Seconds, double PutsPerSecond, IReadOnlyList<MemberDurability> Members)
{
    private const double LookSeconds = 1.5;
    private const int PutBytes = 116;

    /// <summary>
    /// Whether a quorum of members synced or, without strace, wrote at least as much as was acknowledged.
    /// </summary>
    public bool IsDurable => Members.Count(member => member.Syncs is { } syncs
        ? syncs > 0
        : member.WrittenBytes >= PutsPerSecond * Seconds * PutBytes) > Members.Count / 2;

    public static async Task<DurabilityCheck> RunAsync(BenchCluster cluster, CancellationToken cancellationToken)
    {
        Task<LoadResult> load = LoadGenerator.RunAsync(
            new LoadOptions
            {
                Driver = cluster.Driver,
                Endpoints = cluster.Endpoints,
                Warmup = TimeSpan.FromSeconds(0.3),
                Duration = TimeSpan.FromSeconds(LookSeconds + 0.3),
            },
            TextWriter.Null,
            cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(0.3), cancellationToken).ConfigureAwait(false);
        MemberDurability[] members = await Task.WhenAll(
            cluster.Members.Select(member => LookAsync(member, cancellationToken)))
            .ConfigureAwait(false);
        LoadResult result = await load.ConfigureAwait(false);
        return new DurabilityCheck(cluster.Name, LookSeconds, result.Throughput, members);
    }

    /// <summary>Calls of fsync and fdatasync in the output of <c>strace -c</c>.</summary>
    public static long ParseSyncs(string summary)
    {
        long syncs = 0;
        foreach (string line in summary.Split('\n'))
        {
            // Columns: % time, seconds, µs per call, calls, errors (blank if none), name.
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 5 && fields[^1] is "fsync" or "fdatasync")
            {
                syncs += long.Parse(fields[3], CultureInfo.InvariantCulture);
            }
        }

        return syncs;
    }

    public override string ToString()
    {
        IEnumerable<string> members = Members.Select(member => string.Create(
            CultureInfo.InvariantCulture,
            $"{member.Member} {(member.Syncs is { } syncs ? $"{syncs / Seconds:F0} syncs/s" : "no strace")}, "
            + $"{member.WrittenBytes / Seconds / 1e6:F2} MB/s"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Cluster}: {(IsDurable ? "durable" : "NOT DURABLE")} at {PutsPerSecond:F0} puts/s (under strace): "
            + $"{string.Join("; ", members)}");
    }

    private static async Task<MemberDurability> LookAsync(IBenchMember member, CancellationToken cancellationToken)
    {
        long before = ServerUsage.Read([member.Pid]).WrittenBytes;
        long started = Stopwatch.GetTimestamp();
        long? syncs = await CountSyncsAsync(member.Pid, cancellationToken).ConfigureAwait(false);
        TimeSpan left = TimeSpan.FromSeconds(LookSeconds) - Stopwatch.GetElapsedTime(started);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, cancellationToken).ConfigureAwait(false);
        }

        return new MemberDurability(member.Name, syncs, ServerUsage.Read([member.Pid]).WrittenBytes - before);
    }

    private static async Task<long?> CountSyncsAsync(int pid, CancellationToken cancellationToken)
    {
        string output = Path.GetTempFileName();
        try
        {
            // On an interrupt strace prints its summary and detaches from the server.
            using var strace = Process.Start(new ProcessStartInfo("timeout")
            {
                ArgumentList =
                {
                    "-s", "INT", LookSeconds.ToString(CultureInfo.InvariantCulture),
                    "strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", output,
                    "-p", pid.ToString(CultureInfo.InvariantCulture),
                },
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
            if (strace is null)
            {
                return null;
            }

            Task<string> errors = strace.StandardError.ReadToEndAsync(cancellationToken);
            await strace.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            string said = await errors.ConfigureAwait(false);
            bool couldLook = said.Contains("attached", StringComparison.Ordinal);
            return couldLook
                ? ParseSyncs(await File.ReadAllTextAsync(output, cancellationToken).ConfigureAwait(false))
                : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // Without timeout or strace, the written bytes are the only evidence.
            return null;
        }
        finally
        {
            File.Delete(output);
        }
    }
}
