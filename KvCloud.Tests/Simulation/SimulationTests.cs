namespace KvCloud.Tests.Simulation;

public class SimulationTests
{
    private const int SeedsInEveryRun = 2_000;
    private const int SeedsOfTransactions = 300;

    [Fact]
    public void Every_seed_is_safe_under_trouble_and_recovers_from_it() =>
        AssertSafe(SimWorkload.Registers, SeedsInEveryRun);

    [Theory]
    [InlineData("Bank")]
    [InlineData("Cycle")]
    public void Transactions_keep_the_law_of_the_data_at_any_version_on_any_replica(string workload)
    {
        (int transactions, int audits) = AssertSafe(Enum.Parse<SimWorkload>(workload), SeedsOfTransactions);

        Assert.True(transactions > 10 * SeedsOfTransactions && audits > 50 * SeedsOfTransactions);
    }

    [Fact]
    public void The_same_seed_lives_the_same_life()
    {
        SimReport first = SimRunner.Run(7);
        SimReport second = SimRunner.Run(7);

        Assert.Equal(first, second);
        Assert.True(first.Answers > 0 && first.Reads > 0 && first.Slots > 0);
    }

    private static (int Transactions, int Audits) AssertSafe(SimWorkload workload, int seeds)
    {
        int transactions = 0;
        int audits = 0;
        IReadOnlyList<SimReport> failures = SimRunner.RunMany(
            from: 1,
            seeds,
            report =>
            {
                transactions += report.Transactions;
                audits += report.Audits;
            },
            workload: workload);

        Assert.True(
            failures.Count == 0,
            string.Join("\n\n", failures.Select(failure => SimRunner.Explain(failure, workload: workload))));
        return (transactions, audits);
    }
}
