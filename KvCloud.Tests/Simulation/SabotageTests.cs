namespace KvCloud.Tests.Simulation;

/// <summary>Breaks the world on purpose and expects to be told: proof that the checkers would find a real fault.</summary>
public class SabotageTests
{
    private const int MaxSeeds = 1_000;

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
    [InlineData(nameof(Sabotage.ReusesReadIds))]
    [InlineData(nameof(Sabotage.CountsStalePromises))]
    [InlineData(nameof(Sabotage.AnswersWithoutOrigin))]
    [InlineData(nameof(Sabotage.CatchUpReadsAheadOfLog))]
    [InlineData(nameof(Sabotage.RestoresFromData))]
    public void A_broken_world_is_found(string name)
    {
        Sabotage sabotage = Enum.Parse<Sabotage>(name);

        IReadOnlyList<SimReport> found = SimRunner.RunMany(from: 1, MaxSeeds, sabotage: sabotage, maxFailures: 1);

        Assert.True(found.Count > 0, $"{sabotage} was not found in {MaxSeeds} seeds");
    }
}
