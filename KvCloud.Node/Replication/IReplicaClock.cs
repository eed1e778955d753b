namespace KvCloud.Node.Replication;

/// <summary>The clocks of one replica. All but <see cref="UnixMs"/> are monotonic.</summary>
internal interface IReplicaClock
{
    /// <summary>
    /// Whole consensus ticks (<see cref="ReplicaClock.TickMs"/>) since the replica's start, including time during which
    /// the machine was suspended. An event is dated to the beginning of its tick.
    /// </summary>
    long NowTick { get; }

    /// <summary>The same clock as the ticks at full resolution, in its own units.</summary>
    long Timestamp { get; }

    /// <summary>Milliseconds for deadlines: Environment.TickCount64.</summary>
    long NowMs { get; }

    /// <summary>
    /// Milliseconds of the tick clock, including time during which the machine was suspended: data that is fresh by the
    /// deadline clock may be hours old when a machine wakes up.
    /// </summary>
    long SinceBootMs { get; }

    /// <summary>Microseconds from an arbitrary origin, for measuring short intervals.</summary>
    long NowUs { get; }

    /// <summary>
    /// The wall clock. It may jump and may differ between replicas, so nothing may depend on it for correctness.
    /// </summary>
    long UnixMs { get; }

    /// <summary>The <see cref="Timestamp"/> at which the tick begins.</summary>
    long TimestampOf(long tick);
}
