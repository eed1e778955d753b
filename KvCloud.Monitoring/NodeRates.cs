namespace KvCloud.Monitoring;

/// <summary>What a node did between two of its samples.</summary>
public sealed record NodeRates
{
    public static readonly NodeRates None = new();

    public double CallsPerSecond { get; init; }

    public double FailuresPerSecond { get; init; }

    public double ConflictsPerSecond { get; init; }

    /// <summary>Calls a second, by method; methods without calls are left out.</summary>
    public IReadOnlyDictionary<string, double> ByMethod { get; init; } = new Dictionary<string, double>();

    public IReadOnlyDictionary<string, Histogram> CallDurations { get; init; } = new Dictionary<string, Histogram>();

    public Histogram LogSyncs { get; init; } = Histogram.Empty;

    public double Elections { get; init; }

    public static NodeRates Between(NodeSample earlier, NodeSample later)
    {
        double seconds = (later.AtMs - earlier.AtMs) / 1_000.0;
        if (!earlier.IsUp || !later.IsUp || seconds <= 0)
        {
            return None;
        }

        var calls = later.Metrics.Calls.ToDictionary(
            count => count.Key,
            count => Since(count.Value, earlier.Metrics.Calls.GetValueOrDefault(count.Key)) / seconds);
        return new NodeRates
        {
            CallsPerSecond = calls.Values.Sum(),
            FailuresPerSecond = calls.Where(call => call.Key.Code is not ("OK" or "CONFLICT")).Sum(call => call.Value),
            ConflictsPerSecond = calls.Where(call => call.Key.Code == "CONFLICT").Sum(call => call.Value),
            ByMethod = calls.GroupBy(call => call.Key.Method)
                .Select(group => (Method: group.Key, Rate: group.Sum(call => call.Value)))
                .Where(method => method.Rate > 0)
                .ToDictionary(method => method.Method, method => method.Rate),
            CallDurations = later.Metrics.CallDurations.ToDictionary(
                method => method.Key,
                method => method.Value.Since(
                    earlier.Metrics.CallDurations.GetValueOrDefault(method.Key, Histogram.Empty))),
            LogSyncs = later.Metrics.LogSyncs.Since(earlier.Metrics.LogSyncs),
            Elections = Since(later.Metrics.LeaderChanges, earlier.Metrics.LeaderChanges),
        };
    }

    /// <summary>A counter that is lower than before counts from the start of a new process.</summary>
    private static double Since(double now, double then) => now >= then ? now - then : now;
}
