namespace KvCloud.Bench.Load;

/// <summary>The result of a run. Property names are those of the JSON.</summary>
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

    /// <summary>Successful operations per second.</summary>
    public required double Throughput { get; init; }

    public required LatencySummary Latency { get; init; }

    public required IReadOnlyDictionary<string, LatencySummary> ByOperation { get; init; }

    /// <summary>Number of calls by status, without those that did not occur.</summary>
    public required IReadOnlyDictionary<string, long> Statuses { get; init; }

    public required long Errors { get; init; }

    public string? FirstError { get; init; }

    /// <summary>
    /// Calls of an open loop without an answer at the end; their waiting time is included in the latencies.
    /// </summary>
    public required long Unfinished { get; init; }

    public required IReadOnlyList<long> PerSecond { get; init; }

    /// <summary>CPU time of all servers per successful operation; null if no process was given.</summary>
    public double? ServerCpuMicroseconds { get; init; }

    /// <summary>Average number of cores that the servers used.</summary>
    public double? ServerCores { get; init; }

    /// <summary>Mean resident memory per server at the end.</summary>
    public double? ServerMemoryMb { get; init; }

    /// <summary>Bytes that all servers wrote to disk per operation.</summary>
    public double? ServerWriteBytes { get; init; }

    /// <summary>
    /// Average number of cores that this generator used; on a shared machine the servers do not have these.
    /// </summary>
    public required double GeneratorCores { get; init; }

    public required double GeneratorCpuMicroseconds { get; init; }
}
