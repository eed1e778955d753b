namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>Settings of a <see cref="LifecycleRun"/>.</summary>
internal sealed record LifecycleOptions
{
    /// <summary>Time under load after each step.</summary>
    public TimeSpan Rest { get; init; } = TimeSpan.FromSeconds(20);

    public KeptLoadOptions Load { get; init; } = new()
    {
        Writers = 24,
        Readers = 8,
        ValueBytes = 256,
        Pace = TimeSpan.FromMilliseconds(40),
    };

    /// <summary>The initial size of the group, the size that it grows to, and the one that it shrinks to.</summary>
    public (int First, int Most, int Last) Sizes { get; init; } = (5, 7, 3);

    /// <summary>The longest pause of writes that rolling restarts may cost; null for any.</summary>
    public TimeSpan? LongestPauseOfRoll { get; init; }

    /// <summary>The number of rolling restarts in each such step.</summary>
    public int Rolls { get; init; } = 1;

    /// <summary>The directory for the replicas' logs; null to keep none.</summary>
    public string? LogDirectory { get; init; }

    public int Seed { get; init; } = 1;

    public Action<string> Tell { get; init; } = _ => { };
}
