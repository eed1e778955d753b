namespace KvCloud.LocalCluster;

/// <summary>How a <see cref="ProcessCluster"/> runs its replicas.</summary>
internal sealed record ProcessClusterOptions
{
    /// <summary>Start a replica again that ended without being asked to; tests that kill switch it off.</summary>
    public bool RestartCrashed { get; init; } = true;

    /// <summary>
    /// Whether settings in this process's own environment (<c>KvCloud__…</c>, <c>KVCLOUD_CONFIG</c>) are the replicas'
    /// too. Tests and measures want the same replicas wherever they run.
    /// </summary>
    public bool InheritSettings { get; init; }

    /// <summary>
    /// Variables of one replica, over those of <see cref="NodeEnvironment"/>; null as a value removes one.
    /// </summary>
    public Func<Replica, IEnumerable<KeyValuePair<string, string?>>>? ExtraEnvironment { get; init; }

    /// <summary>
    /// The file that a replica's output goes to, without passing through this process; null: this process reads it.
    /// </summary>
    public Func<Replica, string>? OutputFile { get; init; }

    /// <summary>
    /// Called for every line a replica writes, from any thread; must not block for long, the replica's output waits.
    /// Never called when there is an <see cref="OutputFile"/>.
    /// </summary>
    public Action<Replica, string>? OnLine { get; init; }

    /// <summary>Called when a replica starts, ends or is given up.</summary>
    public Action<NodeEvent>? OnEvent { get; init; }

    /// <summary>How many of its last lines are kept for each replica.</summary>
    public int TailLines { get; init; } = 400;

    /// <summary>From the request to end to SIGKILL.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
