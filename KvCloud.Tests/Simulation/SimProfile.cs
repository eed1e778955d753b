using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// What one seed lets happen, and how often. Every seed draws its own mixture (swarm testing: a run in which everything
/// happens at once hides what only shows when some things do not). Times are microseconds of the world's clock.
/// </summary>
internal sealed record SimProfile
{
    public const long Millisecond = 1_000;
    public const long Second = 1_000_000;

    public SimWorkload Workload { get; init; }

    public int Nodes { get; init; } = 3;

    public int Clients { get; init; } = 4;

    public int Keys { get; init; } = 4;

    public long FaultyUs { get; init; } = 6 * Second;

    public int ThinkMaxMs { get; init; } = 60;

    public int LossPerMille { get; init; }

    public int DuplicatePerMille { get; init; }

    public int MaxDelayUs { get; init; } = 2_000;

    /// <summary>How often a message is held up for long: what overtakes it comes in another order.</summary>
    public int HeldUpPerMille { get; init; }

    public int HeldUpMaxMs { get; init; } = 400;

    /// <summary>How often a message enters its connection later than those sent after it.</summary>
    public int ReorderPerMille { get; init; }

    /// <summary>How often what is sent at once is cut into segments, each late by a time of its own.</summary>
    public int SplitPerMille { get; init; }

    /// <summary>How often an attempt to connect fails for no reason.</summary>
    public int ConnectFailPerMille { get; init; }

    /// <summary>What one direction of a connection holds that was not read and acknowledged yet.</summary>
    public int SendBufferBytes { get; init; } = 64 * 1024;

    /// <summary>A connection breaks.</summary>
    public int BreakEveryMs { get; init; }

    /// <summary>Bytes of a connection are changed or left out.</summary>
    public int CorruptEveryMs { get; init; }

    /// <summary>Clocks run between 1 - this and 1 + this, in thousandths.</summary>
    public int DriftPerMille { get; init; }

    public int PartitionEveryMs { get; init; }

    public int CrashEveryMs { get; init; }

    public int PauseEveryMs { get; init; }

    public int DiskTroubleEveryMs { get; init; }

    /// <summary>A synced write of a healthy disk takes up to this much.</summary>
    public int SyncMaxUs { get; init; } = 1_100;

    public int ApplyMaxMs { get; init; } = 2;

    public int CheckpointEveryMs { get; init; } = 500;

    public int TrimEveryMs { get; init; } = 700;

    public int MaxInFlightSlots { get; init; } = 256;

    public int MaxInFlightBytes { get; init; } = 8 * 1024 * 1024;

    public int MaxUnchosenBytes { get; init; } = 24 * 1024 * 1024;

    public static SimProfile Draw(DeterministicRandom random)
    {
        bool hasSmallWindow = random.Chance(300);
        return new SimProfile
        {
            Nodes = Pick(random, 1, 3, 3, 3, 3, 3, 5, 5, 5, 7),
            Clients = 2 + random.Next(5),
            Keys = 1 + random.Next(5),
            FaultyUs = (3 + random.Next(5)) * Second,
            ThinkMaxMs = Pick(random, 10, 40, 120),
            LossPerMille = Pick(random, 0, 0, 10, 50, 200),
            DuplicatePerMille = Pick(random, 0, 0, 20, 100),
            MaxDelayUs = Pick(random, 500, 2_000, 10_000, 30_000),
            HeldUpPerMille = Pick(random, 0, 0, 5, 40),
            HeldUpMaxMs = Pick(random, 100, 500, 2_000),
            DriftPerMille = Pick(random, 0, 20, 80),
            PartitionEveryMs = Pick(random, 0, 0, 150, 400, 1_000),
            CrashEveryMs = Pick(random, 0, 0, 200, 600, 1_500),
            PauseEveryMs = Pick(random, 0, 0, 300, 1_000),
            DiskTroubleEveryMs = Pick(random, 0, 0, 300, 1_000),
            ApplyMaxMs = Pick(random, 1, 3, 30),
            CheckpointEveryMs = Pick(random, 100, 500, 3_000),
            TrimEveryMs = Pick(random, 100, 700),
            MaxInFlightSlots = hasSmallWindow ? 1 + random.Next(4) : 256,
            MaxInFlightBytes = hasSmallWindow ? 400 : 8 * 1024 * 1024,
            MaxUnchosenBytes = hasSmallWindow ? 600 : 24 * 1024 * 1024,
            Workload = (SimWorkload)Pick(random, 0, 0, 1, 2),
        };
    }

    private static int Pick(DeterministicRandom random, params ReadOnlySpan<int> choices) =>
        choices[random.Next(choices.Length)];
}
