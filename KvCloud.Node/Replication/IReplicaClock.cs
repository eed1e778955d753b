namespace KvCloud.Node.Replication;

/// <summary>The clocks of one replica. All but <see cref="UnixMs"/> are monotonic.</summary>
internal interface IReplicaClock
{
    /// <summary>
    /// Whole ticks of consensus (<see cref="ReplicaClock.TickMs"/>) since the replica's start, those included for
    /// which the machine was suspended. What happens now is counted from the tick's beginning.
    /// </summary>
    long NowTick { get; }

    /// <summary>The clock of the ticks at full resolution, in units of its own.</summary>
    long Timestamp { get; }

    /// <summary>Milliseconds in which deadlines are told: Environment.TickCount64.</summary>
    long NowMs { get; }

    /// <summary>
    /// Milliseconds of the clock of the ticks, those included for which the machine was suspended: what is fresh by
    /// the clock of deadlines may be hours old when a machine wakes up.
    /// </summary>
    long SinceBootMs { get; }

    /// <summary>Microseconds from any beginning, to measure short times with.</summary>
    long NowUs { get; }

    /// <summary>The wall clock. It may jump, and differ between replicas: not a clock to reason with.</summary>
    long UnixMs { get; }

    /// <summary>The <see cref="Timestamp"/> at which the tick begins.</summary>
    long TimestampOf(long tick);
}
