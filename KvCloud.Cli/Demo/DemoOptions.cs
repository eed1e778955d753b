namespace KvCloud.Cli.Demo;

/// <summary>What `kv demo` was asked for.</summary>
/// <param name="Replicas">Null: as many as the data has, else the usual number.</param>
/// <param name="BasePort">Null: the usual ports, or others where those are taken.</param>
/// <param name="Data">Where the data stays; null: it is removed at the end.</param>
/// <param name="RestartCrashed">Whether a replica that crashes is started again.</param>
/// <param name="WithLogs">Whether all that the replicas write is printed, rather than warnings and errors.</param>
internal sealed record DemoOptions(int? Replicas, int? BasePort, string? Data, bool RestartCrashed, bool WithLogs);
