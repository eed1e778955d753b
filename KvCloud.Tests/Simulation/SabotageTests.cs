namespace KvCloud.Tests.Simulation;

/// <summary>
/// Breaks the world on purpose and expects to be told, by what should find it: proof that the checkers would find a
/// real fault. The same worlds without the sabotage are found to be sound.
/// </summary>
public class SabotageTests
{
    private const int MaxSeeds = 1_000;

    [Theory]
    [InlineData("SyncsNothing", "came back with")]
    [InlineData("DiskIsOfAnOlderDay", "came back with")]
    [InlineData("DiskIsWiped", "came back with")]
    [InlineData("VotesBeforeFormed", "two values for slot")]
    [InlineData("LogLosesPromises", "promise")]
    [InlineData("ClocksDriftBeyondMargin", "while the lease of")]
    [InlineData("PromisesHideMembers", "was proposed before its members were known")]
    [InlineData("PreparesAreTransfers", "while the lease of")]
    [InlineData("LeaseNeverEnds", "while the lease of")]
    [InlineData("LeaseClockStopsInSuspension", "while the lease of")]
    [InlineData("FeatureLevelsAreOverstated", "which node-")]
    [InlineData("StoreLosesWrites", "should be")]
    [InlineData("LeaderReadsBeforeApplied", "was seen before it began")]
    [InlineData("ReadsBeforeIndexApplied", "was seen before it began")]
    [InlineData("LocalReadsWithoutFreshness", "was answered longer ago than")]
    [InlineData("CountsStalePromises", "two values for slot")]
    [InlineData("PromisesWithoutVotes", "two values for slot")]
    [InlineData("AcceptsAnyBallot", "came back without that vote")]
    [InlineData("CatchUpReadsAheadOfLog", "which is not so")]
    [InlineData("RestoresFromData", "as chosen, but in slot")]
    [InlineData("AnswersWithoutOrigin", "was answered Ok, but no slot holds it")]
    [InlineData("UnknownOutcomesAreRefusals", "was refused")]
    [InlineData("CatchUpsAreEmpty", "not all is answered")]
    [InlineData("LeaderHidesWhatIsChosen", "has applied slot")]
    [InlineData("SessionLimitsDiffer", "raises the alarm")]
    [InlineData("TrimsTooMuch", "has only up to")]
    [InlineData("StalledLeaderStays", "still leads")]
    [InlineData("SnapshotsAreFlipped", "not all is answered")]
    [InlineData("DamagedStoreServes", "should be")]
    [InlineData("StoreDropsRow", "raises the alarm of rows")]
    [InlineData("SnapshotsAreGone", "not all is answered")]
    [InlineData("BackupsLoseBlocks", "restored at version")]
    [InlineData("RestoresKeepVersions", "the restored group begins at version")]
    [InlineData("LogServesDamage", "two values for slot")]
    [InlineData("RecoveryTakesWhoIsBehind", "and the plan knows up to slot")]
    [InlineData("RestoresForgetAnswers", "the restored group, at")]
    public void RunMany_a_broken_world_is_found(string sabotage, string said) =>
        AssertFound(Enum.Parse<Sabotage>(sabotage), SimWorkload.Registers, said);

    /// <summary>One seed in some thousands shows it: it begins shortly before one that does.</summary>
    [Theory]
    [InlineData("PromisesHideBallots", "two values", 4_380)]
    public void RunMany_a_world_that_breaks_rarely_is_found(string sabotage, string said, int from) =>
        AssertFound(Enum.Parse<Sabotage>(sabotage), SimWorkload.Registers, said, (ulong)from);

    /// <summary>Found by nothing but what clients see: all replicas agree on what is wrong.</summary>
    [Theory]
    [InlineData("Bank", "the accounts hold")]
    [InlineData("Cycle", "is no cycle")]
    public void RunMany_transactions_that_miss_conflicts_break_the_law_of_the_data(string workload, string said) =>
        AssertFound(Sabotage.CommitsWithoutConflictKeys, Enum.Parse<SimWorkload>(workload), said);

    [Theory]
    [InlineData("ResendsAsNew", "when it was sent again")]
    [InlineData("AnswersAreForgotten", "has another state than others")]
    [InlineData("SnapshotReadsBeforeApplied", "at version")]
    public void RunMany_broken_transactions_are_found(string sabotage, string said) =>
        AssertFound(Enum.Parse<Sabotage>(sabotage), SimWorkload.Bank, said);

    private static void AssertFound(Sabotage sabotage, SimWorkload workload, string said, ulong from = 1)
    {
        var options = new SimOptions(workload, sabotage);
        SimReport? found = null;
        int seeds = 0;
        IReadOnlyList<SimReport> other = SimRunner.RunMany(
            from,
            MaxSeeds,
            options,
            report =>
            {
                seeds++;
                found ??= report.Failure?.Contains(said, StringComparison.Ordinal) ?? false ? report : null;
            },
            maxFailures: 20,
            isEnough: () => found is not null);
        Assert.True(
            found is not null,
            $"{sabotage} was not found as \"{said}\" in {seeds} seeds, but: "
            + string.Join("; ", other.Select(report => report.Failure)));

        int controls = Math.Min(seeds, 20);
        IReadOnlyList<SimReport> unsound = SimRunner.RunMany(
            found.Seed - (ulong)Math.Min(controls, (int)found.Seed) + 1, controls, options with { IsControl = true });
        Assert.True(
            unsound.Count == 0,
            string.Join(
                "\n\n", unsound.Select(report => SimRunner.Explain(report, options with { IsControl = true }))));
    }
}
