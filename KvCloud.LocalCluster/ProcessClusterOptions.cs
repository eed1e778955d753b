namespace KvCloud.LocalCluster;

/// <summary>How a <see cref="ProcessCluster"/> runs its replicas.</summary>
internal sealed record ProcessClusterOptions
{
    public const int DefaultTailLines = 400;

    /// <summary>Whether to restart a replica that exits unexpectedly; tests that kill replicas disable it.</summary>
    public bool RestartCrashed { get; init; } = true;

    /// <summary>
    /// Whether replicas inherit settings from this process's environment (<c>KvCloud__…</c>, <c>KVCLOUD_CONFIG</c>).
    /// Tests and benchmarks need the same replicas wherever they run.
    /// </summary>
    public bool InheritSettings { get; init; }

    /// <summary>
    /// Additional variables of one replica, which override those of <see cref="NodeEnvironment"/>; a null value removes
    /// a variable.
    /// </summary>
    public Func<Replica, IEnumerable<KeyValuePair<string, string?>>>? ExtraEnvironment { get; init; }

    /// <summary>Whether health is asked for by TLS, where the topology has certificates.</summary>
    public bool ProbesByTls { get; init; } = true;

    /// <summary>The file that a replica's output is redirected to; null: this process reads the output.</summary>
    public Func<Replica, string>? OutputFile { get; init; }

    /// <summary>
    /// Called for every line of a replica's output, from any thread. Must not block for long, because the replica's
    /// output waits. Never called if <see cref="OutputFile"/> is set.
    /// </summary>
    public Action<Replica, string>? OnLine { get; init; }

    /// <summary>Called when a replica starts, ends or is given up.</summary>
    public Action<NodeEvent>? OnEvent { get; init; }

    /// <summary>How many lines of each replica's output are kept.</summary>
    public int TailLines { get; init; } = DefaultTailLines;

    /// <summary>Time from SIGTERM to SIGKILL.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
