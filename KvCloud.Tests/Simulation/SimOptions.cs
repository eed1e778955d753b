namespace KvCloud.Tests.Simulation;

/// <summary>How a seed is run.</summary>
/// <param name="Workload">What the clients do; null for what the seed says.</param>
/// <param name="Sabotage">What is broken on purpose.</param>
/// <param name="IsControl">The same world without the sabotage: what is found there is no find.</param>
/// <param name="Lag">Slots by which one replica falls behind before it comes back; 0 for what the seed says.</param>
internal sealed record SimOptions(
    SimWorkload? Workload = null, Sabotage Sabotage = Sabotage.None, bool IsControl = false, int Lag = 0)
{
    public static readonly SimOptions Default = new();

    /// <summary>As eng/simulate takes them.</summary>
    public override string ToString() => (Workload is null ? "" : $" --workload {Workload}")
        + (Sabotage == Sabotage.None ? "" : $" --sabotage {Sabotage}") + (IsControl ? " --control" : "")
        + (Lag == 0 ? "" : $" --lag {Lag}");
}
