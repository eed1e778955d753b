using System.Diagnostics.Metrics;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Replication;

/// <summary>
/// How long the stages of a write take on this replica, and how many slots or commands share one. Without a listener a
/// record costs one flag check.
/// </summary>
/// <remarks>Any thread may call. Times are differences of <see cref="IReplicaClock.NowUs"/>.</remarks>
internal sealed class ReplicationMetrics
{
    /// <summary>From 10 µs to 10 s: a sync of a fast disk takes tens of microseconds, a stalled one seconds.</summary>
    private static readonly double[] Seconds =
    [
        0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
        2.5, 5, 10,
    ];

    private static readonly double[] SnapshotSeconds = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200];

    private static readonly int[] Counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

    private static readonly int[] Bytes = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

    private readonly Histogram<int> _batchCommands;
    private readonly Histogram<int> _batchBytes;
    private readonly Histogram<double> _chosen;
    private readonly Histogram<double> _synced;
    private readonly Histogram<int> _syncedSlots;
    private readonly Histogram<double> _applied;
    private readonly Histogram<int> _appliedSlots;
    private readonly Histogram<double> _snapshotFetched;
    private long _snapshotSent;
    private long _snapshotReceived;
    private long _snapshotInstalls;

    public ReplicationMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterNames.Node);
        _batchCommands = Sizes(meter, "kvcloud.batch.commands", "{command}", Counts, "Commands in a proposed slot.");
        _batchBytes = Sizes(meter, "kvcloud.batch.size", "By", Bytes, "Bytes of a proposed slot.");
        _chosen = Times(meter, "kvcloud.consensus.duration", "From the proposal of a slot until it is chosen.");
        _synced = Times(meter, "kvcloud.log.sync.duration", "One write of the log, its fsync included.");
        _syncedSlots = Sizes(meter, "kvcloud.log.sync.slots", "{slot}", Counts, "Slots that shared a log write.");
        _applied = Times(meter, "kvcloud.apply.duration", "One batch of chosen slots applied to the data store.");
        _appliedSlots = Sizes(
            meter, "kvcloud.apply.slots", "{slot}", Counts, "Slots that shared a batch of the store.");
        _snapshotFetched = meter.CreateHistogram(
            "kvcloud.snapshot.duration",
            "s",
            "Fetching of a snapshot, until it was whole.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = SnapshotSeconds });

        // Observed, so that they are there from the start: a series that begins with its first event hides that event
        // from every query of an increase.
        meter.CreateObservableCounter(
            "kvcloud.snapshot.sent", () => Interlocked.Read(ref _snapshotSent), "By", "Bytes of snapshots sent.");
        meter.CreateObservableCounter(
            "kvcloud.snapshot.received",
            () => Interlocked.Read(ref _snapshotReceived),
            "By",
            "Bytes of snapshots received.");
        meter.CreateObservableCounter(
            "kvcloud.snapshot.installs",
            () => Interlocked.Read(ref _snapshotInstalls),
            "{snapshot}",
            "Snapshots put in place of the data store.");
    }

    public void Proposed(int commands, int bytes)
    {
        _batchCommands.Record(commands);
        _batchBytes.Record(bytes);
    }

    public void Chosen(long elapsedUs) => _chosen.Record(ToSeconds(elapsedUs));

    public void LogSynced(long elapsedUs, int slots)
    {
        _synced.Record(ToSeconds(elapsedUs));
        _syncedSlots.Record(slots);
    }

    public void Applied(long elapsedUs, int slots)
    {
        _applied.Record(ToSeconds(elapsedUs));
        _appliedSlots.Record(slots);
    }

    public void SnapshotSent(int bytes) => Interlocked.Add(ref _snapshotSent, bytes);

    public void SnapshotReceived(int bytes) => Interlocked.Add(ref _snapshotReceived, bytes);

    /// <summary>Recorded by the start that installed the snapshot.</summary>
    public void SnapshotInstalled() => Interlocked.Increment(ref _snapshotInstalls);

    public void SnapshotFetched(long elapsedMs) => _snapshotFetched.Record(elapsedMs / 1_000.0);

    private static double ToSeconds(long us) => us / 1_000_000.0;

    private static Histogram<double> Times(Meter meter, string name, string description) => meter.CreateHistogram(
        name,
        "s",
        description,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });

    private static Histogram<int> Sizes(Meter meter, string name, string unit, int[] boundaries, string description) =>
        meter.CreateHistogram(
            name,
            unit,
            description,
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = boundaries });
}
