namespace KvCloud.Cli.Demo;

/// <summary>The options of `kv demo`.</summary>
/// <param name="Replicas">Null: as many as the data has, else the default number.</param>
/// <param name="BasePort">Null: the default ports, or others if those are occupied.</param>
/// <param name="Data">The directory to keep the data in; null removes the data at the end.</param>
/// <param name="RestartCrashed">Whether to restart a replica that crashes.</param>
/// <param name="WithLogs">Whether to print all output of the replicas rather than warnings and errors.</param>
/// <param name="HasConsole">Whether to start the console too.</param>
/// <param name="IsSecure">Whether all ports speak TLS, with certificates made for this cluster.</param>
internal sealed record DemoOptions(
    int? Replicas, int? BasePort, string? Data, bool RestartCrashed, bool WithLogs, bool HasConsole, bool IsSecure);
