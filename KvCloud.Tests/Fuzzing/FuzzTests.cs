namespace KvCloud.Tests.Fuzzing;

/// <summary>Parsers under inputs that nobody would send by mistake. Longer runs: eng/fuzz.</summary>
public sealed class FuzzTests
{
    public static TheoryData<string> Names => new(FuzzTargets.All.Select(target => target.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void FuzzTarget_seeds_are_accepted_or_at_least_harmless_and_findings_of_before_are_none(string name)
    {
        FuzzTarget target = FuzzTargets.Find(name)!;
        int accepted = 0;
        foreach (byte[] seed in target.Seeds)
        {
            Assert.Null(FuzzRun.FindFault(target, seed, out bool isAccepted));
            accepted += isAccepted ? 1 : 0;
        }

        Assert.True(accepted > 0, "the parser accepts no seed, so nothing behind its first check is reached");
        foreach (byte[] finding in FindingFiles.Of(name))
        {
            Assert.Null(FuzzRun.FindFault(target, finding, out _));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void FuzzTarget_thousands_of_changed_inputs_are_accepted_or_refused_by_the_typed_exception(string name)
    {
        FuzzTarget target = FuzzTargets.Find(name)!;
        var run = new FuzzRun(target, seed: 1);

        run.Run(target.TestInputs);

        Assert.True(
            run.Findings.Count == 0,
            string.Join('\n', run.Findings.Select(
                finding => $"{finding.What}\n{Convert.ToHexString(finding.Input)}")));
        Assert.True(
            run.Accepted > target.TestInputs / 1_000, $"only {run.Accepted} of {run.Inputs} inputs were accepted");
    }

    [Fact]
    public void FuzzRun_parser_that_throws_anything_else_or_takes_too_much_is_a_finding()
    {
        var throws = new FuzzTarget("throws", [[1, 2, 3]], input => input.Length > 2
            ? throw new FormatException("oops")
            : true);
        var takes = new FuzzTarget("takes", [[1, 2, 3]], input => new byte[16 * 1024 * 1024].Length > 0);

        Assert.StartsWith(
            "FormatException: oops", FuzzRun.FindFault(throws, [1, 2, 3], out _), StringComparison.Ordinal);
        Assert.Contains(
            "bytes were allocated for an input of 3", FuzzRun.FindFault(takes, [1, 2, 3], out _),
            StringComparison.Ordinal);
        var run = new FuzzRun(throws, seed: 1);
        run.Run(1_000);
        Assert.Equal(5, run.Findings.Count);
    }

    [Fact]
    public void Mutator_the_same_seed_makes_the_same_inputs()
    {
        FuzzTarget target = FuzzTargets.All[0];
        var one = new Mutator(target, 7);
        var two = new Mutator(target, 7);
        var other = new Mutator(target, 8);
        byte[][] inputs = [.. Enumerable.Range(0, 100).Select(_ => one.Next())];

        Assert.All(inputs, input => Assert.Equal(input, two.Next()));
        Assert.Contains(inputs, input => !input.SequenceEqual(other.Next()));
    }
}
