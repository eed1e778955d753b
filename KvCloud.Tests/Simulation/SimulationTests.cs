using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Tests.Simulation;

public class SimulationTests
{
    private const int SeedsOfRegisters = 2_000;
    private const int SeedsOfTransactions = 300;

    [Fact]
    public void RunMany_registers_every_seed_is_safe_under_trouble_and_recovers_from_it()
    {
        SimTotals totals = AssertSafe(new SimOptions(SimWorkload.Registers), SeedsOfRegisters);

        // A run that reaches little proves little: about half of what this many seeds reach.
        SimReached reached = totals.Reached;
        Assert.All(
            (IEnumerable<(string Name, long Count, double PerSeed)>)
            [
                ("writes answered", totals.Answers, 30),
                (nameof(reached.Elections), reached.Elections, 1.3),
                (nameof(reached.LeaseReads), reached.LeaseReads, 8),
                (nameof(reached.ReadIndexReads), reached.ReadIndexReads, 10),
                (nameof(reached.LocalReads), reached.LocalReads, 3),
                (nameof(reached.Forwards), reached.Forwards, 1),
                (nameof(reached.CatchUps), reached.CatchUps, 1),
                (nameof(reached.Trims), reached.Trims, 0.7),
                (nameof(reached.Recoveries), reached.Recoveries, 2),
                (nameof(reached.PowerCuts), reached.PowerCuts, 1),
                (nameof(reached.ExpiredCalls), reached.ExpiredCalls, 0.2),
                (nameof(reached.StalledLeaders), reached.StalledLeaders, 0.005),
                (nameof(reached.SpaceRefusals), reached.SpaceRefusals, 0.05),
                (nameof(reached.UnknownOutcomes), reached.UnknownOutcomes, 1),
                (nameof(reached.PipelinedCalls), reached.PipelinedCalls, 30),
                (nameof(reached.SharedSlots), reached.SharedSlots, 2),
                (nameof(reached.LongCatchUps), reached.LongCatchUps, 0.001),
                (nameof(reached.ExpiredSessions), reached.ExpiredSessions, 3),
                (nameof(reached.TooOldReads), reached.TooOldReads, 0.08),
                (nameof(reached.TooOldCommits), reached.TooOldCommits, 0.15),
                (nameof(reached.EndedWindows), reached.EndedWindows, 0.05),
                (nameof(reached.ComparedHashes), reached.ComparedHashes, 40),
                (nameof(reached.Failures), reached.Failures, 0.2),
                (nameof(reached.Refusals), reached.Refusals, 0.1),
                (nameof(reached.SnapshotsMade), reached.SnapshotsMade, 0.09),
                (nameof(reached.SnapshotsInstalled), reached.SnapshotsInstalled, 0.08),
                (nameof(reached.SnapshotFilesKept), reached.SnapshotFilesKept, 0.005),
                (nameof(reached.SnapshotsDiscarded), reached.SnapshotsDiscarded, 0.0005),
                (nameof(reached.SnapshotFlips), reached.SnapshotFlips, 0.005),
                (nameof(reached.Rots), reached.Rots, 0.04),
                (nameof(reached.DamagesFound), reached.DamagesFound, 0.04),
                (nameof(reached.DamagedReads), reached.DamagedReads, 5),
                (nameof(reached.Rebuilds), reached.Rebuilds, 0.06),
                (nameof(reached.StartsWithoutData), reached.StartsWithoutData, 0.02),
                (nameof(reached.ScrubRounds), reached.ScrubRounds, 5),
                (nameof(reached.ComparedRows), reached.ComparedRows, 80),
                (nameof(reached.LostMembers), reached.LostMembers, 0.05),
                (nameof(reached.Restores), reached.Restores, 0.06),
                (nameof(reached.RestoredGroups), reached.RestoredGroups, 0.015),
                (nameof(reached.RecoveredGroups), reached.RecoveredGroups, 0.02),
                (nameof(reached.RecoveredChangedGroups), reached.RecoveredChangedGroups, 0.003),
                (nameof(reached.DecidedSlots), reached.DecidedSlots, 0.02),
                (nameof(reached.LostSlots), reached.LostSlots, 0.005),
                (nameof(reached.LogFlips), reached.LogFlips, 0.05),
                (nameof(reached.LogFlipsFound), reached.LogFlipsFound, 0.02),
                (nameof(reached.SlotsOfNewGroups), reached.SlotsOfNewGroups, 0.8),
                (nameof(reached.LevelRises), reached.LevelRises, 0.3),
                (nameof(reached.Upgrades), reached.Upgrades, 1),
                (nameof(reached.Downgrades), reached.Downgrades, 0.7),
            ],
            floor => Assert.True(
                floor.Count >= floor.PerSeed * SeedsOfRegisters, $"{floor.Name}: {floor.Count}; reached: {reached}"));
    }

    [Theory]
    [InlineData("Bank")]
    [InlineData("Cycle")]
    public void RunMany_transactions_keep_the_law_of_the_data_at_any_version_on_any_replica(string workload)
    {
        SimTotals totals = AssertSafe(new SimOptions(Enum.Parse<SimWorkload>(workload)), SeedsOfTransactions);

        Assert.True(totals.Transactions > 5 * SeedsOfTransactions, $"{totals.Transactions} transactions");
        Assert.True(totals.Audits > 20 * SeedsOfTransactions, $"{totals.Audits} audits");
    }

    /// <summary>The hash covers the time of every event and all that was drawn before it.</summary>
    [Fact]
    public async Task Run_the_same_seed_lives_the_same_life_twice_here_and_once_in_another_process()
    {
        SimReport first = SimRunner.Run(7, SimOptions.Default);
        SimReport second = SimRunner.Run(7, SimOptions.Default);
        Assert.Equal(first, second);
        Assert.NotEqual(first.TraceHash, SimRunner.Run(8, SimOptions.Default).TraceHash);

        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (
            string argument in (string[])["exec", typeof(SimulationTests).Assembly.Location, "simulate", "--seed", "7"])
        {
            start.ArgumentList.Add(argument);
        }

        using Process other = Process.Start(start)!;
        string said = await other.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"trace {first.TraceHash:x16}"), said,
            StringComparison.Ordinal);
    }

    private static SimTotals AssertSafe(SimOptions options, int seeds)
    {
        var totals = new SimTotals();
        IReadOnlyList<SimReport> failures = SimRunner.RunMany(from: 1, seeds, options, totals.Add);

        Assert.True(
            failures.Count == 0,
            string.Join("\n\n", failures.Select(failure => SimRunner.Explain(failure, options))));
        return totals;
    }
}
