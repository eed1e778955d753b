using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>What a soak does, and for how long.</summary>
internal sealed record SoakOptions
{
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(60);

    /// <summary>Of the faults. Processes have a timing of their own, so a run is not repeated by it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How long the cluster may warm up before what it holds counts; at most a sixth of the time.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromMinutes(10);

    public TimeSpan SampleEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest rest between two faults.</summary>
    public TimeSpan LongestRest { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>How long a replica stays away to come back by a snapshot: its log is gone by then.</summary>
    public TimeSpan Absence { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>The least time from one replacement of a member to the next.</summary>
    public TimeSpan ReplaceEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A bounded key space, so that what the replicas hold does not grow by itself.</summary>
    public KeptLoadOptions Load { get; init; } = new()
    {
        Writers = 8,
        Readers = 4,
        KeysOfOneWriter = 1000,
        ValueBytes = 2048,
        Pace = TimeSpan.FromMilliseconds(25),
    };

    /// <summary>Where samples, picture and logs go; null: nowhere.</summary>
    public string? OutputDirectory { get; init; }

    public Action<string> Tell { get; init; } = _ => { };

    /// <summary>The time before what the cluster holds counts.</summary>
    public TimeSpan EffectiveWarmUp => WarmUp < Time / 6 ? WarmUp : Time / 6;
}
