namespace KvCloud.Tests.Live.Soak;

/// <summary>One of the things that must not grow for ever.</summary>
/// <param name="Name">With its unit.</param>
/// <param name="Share">It may rise by this share of where it began over the run …</param>
/// <param name="Least">… and by so much in any case.</param>
/// <param name="Series">The mean over the processes that ran, moment by moment.</param>
internal sealed record SoakMeasure(
    string Name, double Share, double Least, Func<SoakSampler, IEnumerable<(TimeSpan Time, double Value)>> Series)
{
    private const double Megabyte = 1024 * 1024;
    private const double ShareOfWhatIsHeld = 0.25;

    /// <summary>Every fault makes some calls slow, so the tail of the latencies is uneven by nature.</summary>
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
