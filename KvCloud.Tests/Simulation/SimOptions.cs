namespace KvCloud.Tests.Simulation;

/// <summary>How a seed is run.</summary>
/// <param name="Workload">What the clients do; null for what the seed says.</param>
/// <param name="Sabotage">What is broken on purpose.</param>
/// <param name="IsControl">The same world without the sabotage: what is found there is no find.</param>
internal sealed record SimOptions(
    SimWorkload? Workload = null, Sabotage Sabotage = Sabotage.None, bool IsControl = false)
{
    public static readonly SimOptions Default = new();

    /// <summary>As eng/simulate takes them.</summary>
    public override string ToString() => (Workload is null ? "" : $" --workload {Workload}")
        + (Sabotage == Sabotage.None ? "" : $" --sabotage {Sabotage}") + (IsControl ? " --control" : "");
}
