namespace KvCloud.Monitoring;

/// <summary>What the console needs of a node's /metrics. Counters count since the node started.</summary>
public sealed record NodeMetrics
{
    public static readonly NodeMetrics None = new();

    /// <summary>Calls answered, by method and error code.</summary>
    public IReadOnlyDictionary<(string Method, string Code), double> Calls { get; init; } =
        new Dictionary<(string, string), double>();

    /// <summary>From a call's last byte to its answer, by method.</summary>
    public IReadOnlyDictionary<string, Histogram> CallDurations { get; init; } = new Dictionary<string, Histogram>();

    public Histogram LogSyncs { get; init; } = Histogram.Empty;

    public double LeaderChanges { get; init; }

    public long? FreeDiskBytes { get; init; }

    public long? MemoryBytes { get; init; }

    public double? Connections { get; init; }

    public static NodeMetrics From(IEnumerable<MetricSample> samples)
    {
        ILookup<string, MetricSample> byName = samples.ToLookup(sample => sample.Name);
        return new NodeMetrics
        {
            Calls = byName["kvcloud_rpc_calls_total"]
                .GroupBy(sample => (Label(sample, "method"), Label(sample, "code")))
                .ToDictionary(group => group.Key, group => group.Sum(sample => sample.Value)),
            CallDurations = byName["kvcloud_rpc_duration_seconds_bucket"]
                .GroupBy(sample => Label(sample, "method"))
                .ToDictionary(group => group.Key, HistogramOf),
            LogSyncs = HistogramOf(byName["kvcloud_log_sync_duration_seconds_bucket"]),
            LeaderChanges = byName["kvcloud_replica_leader_changes_total"].Sum(sample => sample.Value),
            FreeDiskBytes = (long?)ValueOf(byName["kvcloud_disk_free_bytes"]),
            MemoryBytes = (long?)ValueOf(byName["dotnet_process_memory_working_set_bytes"]),
            Connections = ValueOf(byName["kvcloud_rpc_connections"]),
        };
    }

    private static string Label(MetricSample sample, string name) => sample.Labels.GetValueOrDefault(name, "");

    private static double? ValueOf(IEnumerable<MetricSample> samples) => samples.FirstOrDefault()?.Value;

    /// <summary>Buckets of several series, such as one for each error code, are added up.</summary>
    private static Histogram HistogramOf(IEnumerable<MetricSample> buckets)
    {
        var byBound = new SortedDictionary<double, double>();
        foreach (MetricSample bucket in buckets)
        {
            double bound = Label(bucket, "le") == "+Inf"
                ? double.PositiveInfinity
                : double.Parse(Label(bucket, "le"), System.Globalization.CultureInfo.InvariantCulture);
            byBound[bound] = byBound.GetValueOrDefault(bound) + bucket.Value;
        }

        return byBound.Count == 0 ? Histogram.Empty : new Histogram([.. byBound.Keys], [.. byBound.Values]);
    }
}
