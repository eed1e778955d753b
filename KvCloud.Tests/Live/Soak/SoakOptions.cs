using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>Settings of a <see cref="SoakRun"/>.</summary>
internal sealed record SoakOptions
{
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(60);

    /// <summary>Seed of the faults. A run is not reproducible by it: processes have their own timing.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Warm-up before resources are judged; limited to a sixth of <see cref="Time"/>.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromMinutes(10);

    public TimeSpan SampleEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause between two faults.</summary>
    public TimeSpan LongestRest { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Downtime after which the others have trimmed their logs and a replica needs a snapshot.</summary>
    public TimeSpan Absence { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>Minimum interval between two replacements of a member.</summary>
    public TimeSpan ReplaceEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The load. Its key space is bounded, so that the data do not grow by themselves.</summary>
    public KeptLoadOptions Load { get; init; } = new()
    {
        Writers = 8,
        Readers = 4,
        KeysOfOneWriter = 1000,
        ValueBytes = 2048,
        Pace = TimeSpan.FromMilliseconds(25),
    };

    /// <summary>The directory for samples and picture; null to keep none.</summary>
    public string? OutputDirectory { get; init; }

    public Action<string> Tell { get; init; } = _ => { };

    /// <summary>The warm-up that applies.</summary>
    public TimeSpan EffectiveWarmUp => WarmUp < Time / 6 ? WarmUp : Time / 6;
}
