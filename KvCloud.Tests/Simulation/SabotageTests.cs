namespace KvCloud.Tests.Simulation;

/// <summary>Breaks the world on purpose and expects to be told: proof that the checkers would find a real fault.</summary>
public class SabotageTests
{
    private const int MaxSeeds = 400;

    [Theory]
    [InlineData(nameof(Sabotage.SpeaksBeforePersist))]
    [InlineData(nameof(Sabotage.DiskLosesSyncedWrites))]
    [InlineData(nameof(Sabotage.DiskLosesPromise))]
    [InlineData(nameof(Sabotage.DiskIsWiped))]
    [InlineData(nameof(Sabotage.ClocksDriftBeyondMargin))]
    [InlineData(nameof(Sabotage.SkipsSlot))]
    [InlineData(nameof(Sabotage.AppliesTwice))]
    [InlineData(nameof(Sabotage.ReadsWithoutLease))]
    [InlineData(nameof(Sabotage.LeaderReadsBeforeApplied))]
    [InlineData(nameof(Sabotage.ReadsBeforeIndexApplied))]
    [InlineData(nameof(Sabotage.AnswersWithoutOrigin))]
    [InlineData(nameof(Sabotage.RestoresFromData))]
    public void A_broken_world_is_found(string name)
    {
        Sabotage sabotage = Enum.Parse<Sabotage>(name);

        SimReport? found = Find(sabotage);

        Assert.True(found is not null, $"{sabotage} was not found in {MaxSeeds} seeds");
    }

    private static SimReport? Find(Sabotage sabotage)
    {
        for (ulong seed = 1; seed <= MaxSeeds; seed++)
        {
            SimReport report = SimRunner.Run(seed, sabotage, profile => Favour(sabotage, profile));
            if (report.Failure is not null)
            {
                return report;
            }
        }

        return null;
    }

    /// <summary>Some faults need the right kind of trouble to show; the seed still decides when and where.</summary>
    private static SimProfile Favour(Sabotage sabotage, SimProfile profile) => sabotage switch
    {
        Sabotage.ReusesReadIds => profile with
        {
            Nodes = 3,
            HeldUpPerMille = 200,
            HeldUpMaxMs = 400,
            CrashEveryMs = 150,
            ThinkMaxMs = 10,
            PartitionEveryMs = 0,
        },
        Sabotage.CountsStalePromises => profile with
        {
            Nodes = 5,
            PartitionEveryMs = 150,
            CrashEveryMs = 0,
        },
        Sabotage.CatchUpReadsAheadOfLog or Sabotage.RestoresFromData => profile with
        {
            Nodes = 3,
            Clients = 6,
            ThinkMaxMs = 10,
            PartitionEveryMs = 150,
            CrashEveryMs = 200,
            DiskTroubleEveryMs = 100,
            CheckpointEveryMs = 30,
        },
        _ => profile,
    };
}
