using System.Diagnostics;
using System.Globalization;
using KvCloud.Bench.Measure;
using KvCloud.LocalCluster;
using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>Samples the resources of each process and the figures of calls at an interval.</summary>
internal sealed class SoakSampler(GrowingCluster cluster, KeptLoad load, TimeSpan every)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly List<NodeSample> _nodes = [];
    private readonly List<CallSample> _calls = [];

    public IReadOnlyList<NodeSample> Nodes => _nodes;

    public IReadOnlyList<CallSample> Calls => _calls;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                TimeSpan now = Elapsed;
                _calls.Add(new CallSample(now, load.Writes.Take(), load.Reads.Take()));
                if (TryLook(now, NodeSample.Client, Environment.ProcessId, null) is NodeSample own)
                {
                    _nodes.Add(own);
                }

                foreach (NodeProcess node in cluster.Processes.Nodes)
                {
                    if (node.ProcessId is int process
                        && TryLook(now, node.Replica.Index, process, cluster.DirectoryOf(node.Replica.Index))
                            is NodeSample sample)
                    {
                        _nodes.Add(sample);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The soak has ended.
        }
    }

    /// <summary>Null for a process that has just exited.</summary>
    private static NodeSample? TryLook(TimeSpan now, int node, int process, string? directory)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}");
        try
        {
            string status = File.ReadAllText(Path.Combine(folder, "status"));
            return new NodeSample(
                now,
                node,
                ProcFile.ParseNumber(status, "VmRSS") * 1024,
                Directory.EnumerateFileSystemEntries(Path.Combine(folder, "fd")).Count(),
                (int)ProcFile.ParseNumber(status, "Threads"),
                directory is null ? 0 : SizeOf(Path.Combine(directory, "log")),
                directory is null ? 0 : SizeOf(Path.Combine(directory, "data")));
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    private static long SizeOf(string directory)
    {
        var info = new DirectoryInfo(directory);
        return info.Exists ? info.EnumerateFiles("*", SearchOption.AllDirectories).Sum(LengthOf) : 0;
    }

    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            // A compaction, or the end of a snapshot, has just removed it.
            return 0;
        }
    }
}
