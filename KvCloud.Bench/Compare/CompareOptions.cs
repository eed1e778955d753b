namespace KvCloud.Bench.Compare;

/// <summary>Duration and number of a comparison's measurements.</summary>
internal sealed record CompareOptions
{
    public required string DataRoot { get; init; }

    /// <summary>Each round starts both clusters, one after the other.</summary>
    public required int Rounds { get; init; }

    public required TimeSpan Warmup { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Number of leaders killed per cluster.</summary>
    public required int Kills { get; init; }

    /// <summary>Time per cluster after which no further leader is killed.</summary>
    public required TimeSpan KillBudget { get; init; }

    /// <summary>Whether to also measure the client counts that only the picture shows.</summary>
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
