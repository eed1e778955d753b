namespace KvCloud.Bench.Compare;

/// <summary>How long and how often a comparison measures.</summary>
internal sealed record CompareOptions
{
    public required string DataRoot { get; init; }

    /// <summary>Each round starts both clusters, one after the other.</summary>
    public required int Rounds { get; init; }

    public required TimeSpan Warmup { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Leaders killed of each cluster.</summary>
    public required int Kills { get; init; }

    /// <summary>No further leader is killed once this has passed, for each cluster.</summary>
    public required TimeSpan KillBudget { get; init; }

    /// <summary>Also the client counts that only the picture shows.</summary>
    public required bool Sweep { get; init; }

    public bool WithKvCloud { get; init; } = true;

    public bool WithEtcd { get; init; } = true;

    public static CompareOptions Quick(string dataRoot) => new()
    {
        DataRoot = dataRoot,
        Rounds = 2,
        Warmup = TimeSpan.FromSeconds(1),
        Duration = TimeSpan.FromSeconds(3),
        Kills = 3,
        KillBudget = TimeSpan.FromSeconds(15),
        Sweep = false,
    };

    public static CompareOptions Full(string dataRoot) => new()
    {
        DataRoot = dataRoot,
        Rounds = 3,
        Warmup = TimeSpan.FromSeconds(2),
        Duration = TimeSpan.FromSeconds(6),
        Kills = 20,
        KillBudget = TimeSpan.FromMinutes(5),
        Sweep = true,
    };
}
