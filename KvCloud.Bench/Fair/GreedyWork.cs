using KvCloud.Bench.Load;

namespace KvCloud.Bench.Fair;

/// <summary>What a greedy client does, as much of it as the limits of a node let it.</summary>
internal sealed record GreedyWork(string Name, OperationKind Kind, int Connections, int InFlight)
{
    public int ValueSizeBytes { get; init; } = 100;

    public int RangeLimit { get; init; } = 100;

    /// <summary>Keys of another size are other keys than those of the modest clients.</summary>
    public int KeySizeBytes { get; init; } = 16;

    /// <summary>One for each place where calls of different clients meet.</summary>
    public static IReadOnlyList<GreedyWork> All { get; } =
    [
        new("puts, one connection", OperationKind.Set, 1, 1024),
        new("puts, 32 connections", OperationKind.Set, 32, 512),
        new("gets, 32 connections", OperationKind.GetLeader, 32, 512),
        new("ranges of 50", OperationKind.Range, 32, 64) { RangeLimit = 50 },
        new("scans of 10,000", OperationKind.Range, 32, 16) { RangeLimit = 10_000 },

        // The last, since ranges would read its values afterwards.
        new("puts of 64 KB", OperationKind.Set, 8, 32) { ValueSizeBytes = 64 * 1024, KeySizeBytes = 17 },
    ];

    /// <summary>The load of the greedy client, made of that of the modest ones.</summary>
    public LoadOptions Of(LoadOptions modest) => modest with
    {
        Mix = OperationMix.Of(Kind),
        Target = TargetKind.Leader,
        Connections = Connections,
        InFlight = InFlight,
        ValueSizeBytes = ValueSizeBytes,
        RangeLimit = RangeLimit,
        KeySizeBytes = KeySizeBytes,
        Seed = modest.Seed + 1,
    };
}
