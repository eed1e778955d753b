namespace KvCloud.LocalCluster;

/// <summary>How a <see cref="ProcessCluster"/> runs its replicas.</summary>
internal sealed record ProcessClusterOptions
{
    /// <summary>KvCloud.Node.dll; by default the one built together with this program.</summary>
    public string? NodeAssembly { get; init; }

    /// <summary>Start a replica again that ended without being asked to; tests that kill switch it off.</summary>
    public bool RestartCrashed { get; init; } = true;

    /// <summary>
    /// Variables of one replica, over those of <see cref="NodeEnvironment"/>; null as a value removes one.
    /// </summary>
    public Func<Replica, IEnumerable<KeyValuePair<string, string?>>>? ExtraEnvironment { get; init; }

    /// <summary>
    /// Called for every line a replica writes, from any thread; must not block for long, the replica's output waits.
    /// </summary>
    public Action<Replica, string>? OnLine { get; init; }

    /// <summary>Called when a replica starts, ends or is given up, with the sentence that says so.</summary>
    public Action<Replica, string>? OnEvent { get; init; }

    /// <summary>How many of its last lines are kept for each replica.</summary>
    public int TailLines { get; init; } = 400;

    /// <summary>From the request to end to SIGKILL.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
