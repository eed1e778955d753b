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
    public void A_broken_world_is_found(string name) =>
        AssertFound(Enum.Parse<Sabotage>(name), SimWorkload.Registers, said: "");

    /// <summary>Found by nothing but what clients see: all replicas agree on what is wrong.</summary>
    [Theory]
    [InlineData("Bank", "the accounts hold")]
    [InlineData("Cycle", "is no cycle")]
    public void Transactions_that_miss_conflicts_break_the_law_of_the_data(string workload, string said) =>
        AssertFound(Sabotage.CommitsWithoutConflictKeys, Enum.Parse<SimWorkload>(workload), said);

    [Theory]
    [InlineData(nameof(Sabotage.ResendsAsNew), "when it was sent again")]
    [InlineData(nameof(Sabotage.AnswersAreForgotten), "")]
    [InlineData(nameof(Sabotage.SnapshotReadsBeforeApplied), "at version")]
    public void Broken_transactions_are_found(string name, string said) =>
        AssertFound(Enum.Parse<Sabotage>(name), SimWorkload.Bank, said);

    private static void AssertFound(Sabotage sabotage, SimWorkload workload, string said)
    {
        IReadOnlyList<SimReport> found = SimRunner.RunMany(
            from: 1, MaxSeeds, sabotage: sabotage, workload: workload, maxFailures: 1);

        Assert.True(found.Count > 0, $"{sabotage} was not found in {MaxSeeds} seeds");
        Assert.Contains(said, found[0].Failure, StringComparison.Ordinal);
    }
}
