namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>How long a life is.</summary>
internal sealed record LifecycleOptions
{
    /// <summary>Between two steps, while the load goes on.</summary>
    public TimeSpan Rest { get; init; } = TimeSpan.FromSeconds(20);

    public KeptLoadOptions Load { get; init; } = new()
    {
        Writers = 24,
        Readers = 8,
        ValueBytes = 256,
        Pace = TimeSpan.FromMilliseconds(40),
    };

    /// <summary>Members that the group begins with, that it grows to, and that stay at last.</summary>
    public (int First, int Most, int Last) Sizes { get; init; } = (5, 7, 3);

    /// <summary>The longest pause of writes that rolling restarts may cost; null for any.</summary>
    public TimeSpan? LongestPauseOfRoll { get; init; }

    /// <summary>How often all are restarted in turn, where they are.</summary>
    public int Rolls { get; init; } = 1;

    /// <summary>Where what each replica says is kept; null: nowhere.</summary>
    public string? LogDirectory { get; init; }

    public int Seed { get; init; } = 1;

    public Action<string> Tell { get; init; } = _ => { };
}
