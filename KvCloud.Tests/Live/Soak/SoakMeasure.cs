namespace KvCloud.Tests.Live.Soak;

/// <summary>A measure that must not grow without bound.</summary>
/// <param name="Name">The name, with the unit.</param>
/// <param name="Share">It may rise by this share of its initial value over the run, or</param>
/// <param name="Least">by this amount, whichever is larger.</param>
/// <param name="Series">The samples: for each moment the mean over the running processes.</param>
internal sealed record SoakMeasure(
    string Name, double Share, double Least, Func<SoakSampler, IEnumerable<(TimeSpan Time, double Value)>> Series)
{
    private const double Megabyte = 1024 * 1024;
    private const double ShareOfWhatIsHeld = 0.25;

    /// <summary>Higher, because every fault makes some calls slow.</summary>
    private const double ShareOfLatencies = 0.5;

    public static readonly IReadOnlyList<SoakMeasure> All =
    [
        new("memory of a replica, MB", ShareOfWhatIsHeld, 48, sampler =>
            OfReplicas(sampler, sample => sample.ResidentBytes / Megabyte)),
        new("handles of a replica", ShareOfWhatIsHeld, 40, sampler => OfReplicas(sampler, sample => sample.Handles)),
        new("threads of a replica", ShareOfWhatIsHeld, 15, sampler => OfReplicas(sampler, sample => sample.Threads)),
        new("log/ of a replica, MB", ShareOfWhatIsHeld, 48, sampler =>
            OfReplicas(sampler, sample => sample.LogBytes / Megabyte)),
        new("data/ of a replica, MB", ShareOfWhatIsHeld, 48, sampler =>
            OfReplicas(sampler, sample => sample.DataBytes / Megabyte)),
        new("memory of the client, MB", ShareOfWhatIsHeld, 64, sampler =>
            OfClient(sampler, sample => sample.ResidentBytes / Megabyte)),
        new("handles of the client", ShareOfWhatIsHeld, 64, sampler => OfClient(sampler, sample => sample.Handles)),
        new("p50 of writes, ms", ShareOfLatencies, 5, sampler => OfCalls(sampler, sample => sample.Writes.P50)),
        new("p99 of writes, ms", ShareOfLatencies, 250, sampler => OfCalls(sampler, sample => sample.Writes.P99)),
        new("p50 of reads, ms", ShareOfLatencies, 5, sampler => OfCalls(sampler, sample => sample.Reads.P50)),
        new("p99 of reads, ms", ShareOfLatencies, 250, sampler => OfCalls(sampler, sample => sample.Reads.P99)),
    ];

    private static IEnumerable<(TimeSpan Time, double Value)> OfReplicas(
        SoakSampler sampler, Func<NodeSample, double> value) =>
        sampler.Nodes.Where(sample => sample.Node != NodeSample.Client)
            .GroupBy(sample => sample.Time)
            .Select(moment => (moment.Key, moment.Average(value)));

    private static IEnumerable<(TimeSpan Time, double Value)> OfClient(
        SoakSampler sampler, Func<NodeSample, double> value) =>
        sampler.Nodes.Where(sample => sample.Node == NodeSample.Client).Select(sample => (sample.Time, value(sample)));

    private static IEnumerable<(TimeSpan Time, double Value)> OfCalls(
        SoakSampler sampler, Func<CallSample, TimeSpan> value) =>
        sampler.Calls.Select(sample => (sample.Time, value(sample).TotalMilliseconds));
}
