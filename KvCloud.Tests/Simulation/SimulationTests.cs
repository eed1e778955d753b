namespace KvCloud.Tests.Simulation;

public class SimulationTests
{
    private const int SeedsInEveryRun = 2_000;

    [Fact]
    public void Every_seed_is_safe_under_trouble_and_recovers_from_it()
    {
        IReadOnlyList<SimReport> failures = SimRunner.RunMany(from: 1, SeedsInEveryRun);

        Assert.True(
            failures.Count == 0, string.Join("\n\n", failures.Select(failure => SimRunner.Explain(failure))));
    }

    [Fact]
    public void The_same_seed_lives_the_same_life()
    {
        SimReport first = SimRunner.Run(7);
        SimReport second = SimRunner.Run(7);

        Assert.Equal(first, second);
        Assert.True(first.Answers > 0 && first.Reads > 0 && first.Slots > 0);
    }
}
