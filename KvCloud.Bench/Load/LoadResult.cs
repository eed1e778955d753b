namespace KvCloud.Bench.Load;

/// <summary>What a run found. Serialized as it is: the names are the JSON's.</summary>
internal sealed record LoadResult
{
    public required string Driver { get; init; }

    public required string Mix { get; init; }

    public required string Target { get; init; }

    public required int Connections { get; init; }

    public required int InFlight { get; init; }

    /// <summary>0 for a closed loop.</summary>
    public required double RatePerSecond { get; init; }

    public required int KeySizeBytes { get; init; }

    public required int ValueSizeBytes { get; init; }

    public required long Keys { get; init; }

    public required double Seconds { get; init; }

    /// <summary>Successful operations a second.</summary>
    public required double Throughput { get; init; }

    public required LatencySummary Latency { get; init; }

    public required IReadOnlyDictionary<string, LatencySummary> ByOperation { get; init; }

    /// <summary>How calls ended, by status; those that never happened are left out.</summary>
    public required IReadOnlyDictionary<string, long> Statuses { get; init; }

    public required long Errors { get; init; }

    public string? FirstError { get; init; }

    /// <summary>Calls of an open loop without an answer at the end; their waiting time is in the latencies.</summary>
    public required long Unfinished { get; init; }

    public required IReadOnlyList<long> PerSecond { get; init; }

    /// <summary>
    /// The servers' CPU time for a successful operation, all of them added; null where no process was given.
    /// </summary>
    public double? ServerCpuMicroseconds { get; init; }

    /// <summary>Cores the servers kept busy.</summary>
    public double? ServerCores { get; init; }

    /// <summary>Resident memory of a server at the end, on average.</summary>
    public double? ServerMemoryMb { get; init; }

    /// <summary>Bytes the servers had written to disk for an operation, all of them added.</summary>
    public double? ServerWriteBytes { get; init; }

    /// <summary>Cores this generator kept busy; on a machine shared with the servers they lack them.</summary>
    public required double GeneratorCores { get; init; }

    public required double GeneratorCpuMicroseconds { get; init; }
}
