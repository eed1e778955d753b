namespace KvCloud.Cli.Load;

/// <summary>What `kv bench` does.</summary>
/// <param name="ReadPercent">How many of a hundred calls are reads.</param>
internal sealed record BenchPlan(int Clients, int Keys, int ValueBytes, int ReadPercent, TimeSpan Duration);
