using System.Diagnostics;
using System.Globalization;
using KvCloud.Tests.Live.Attacks;

namespace KvCloud.Tests.Fuzzing;

/// <summary>The command behind eng/fuzz.</summary>
internal static class FuzzCommand
{
    private const int InputsAtOnce = 100_000;

    private static string Usage => $"""
        usage: eng/fuzz [--parser NAME] [--inputs N] [--seed S]
               eng/fuzz --live yes [--inputs N] [--seed S]
               eng/fuzz-coverage [--parser NAME] [--seconds N]
        Changes inputs that parsers accept, and holds the parsers to their contract: the typed exception or none,
        memory that the input's length justifies, a bounded time. Findings are written to
        KvCloud.Tests/Fuzzing/Findings, and are tests from then on.
        --live yes sends the inputs to both ports of a cluster of real processes, while ten callers write and read and
        check every answer.
        eng/fuzz-coverage lets afl-fuzz find the inputs, by the branches that they take (SharpFuzz).
        parsers: {string.Join(", ", FuzzTargets.All.Select(target => target.Name))}; all without --parser
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        // Before anything else: with --serve there is no memory yet in which instrumented code could count.
        if (args is ["--seeds-of" or "--serve" or "--findings-of", string name, .. string[] rest])
        {
            return RunCoverage(args[0], name, rest);
        }

        IReadOnlyList<FuzzTarget> targets = FuzzTargets.All;
        if (args is ["--names"])
        {
            Console.WriteLine(string.Join('\n', targets.Select(target => target.Name)));
            return 0;
        }

        long inputs = 100_000;
        int seed = Environment.TickCount;
        bool isLive = false;
        for (int i = 0; i < args.Length; i += 2)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--parser" when FuzzTargets.Find(value) is { } target:
                    targets = [target];
                    break;
                case "--live" when value == "yes":
                    isLive = true;
                    break;
                case "--inputs" when long.TryParse(value, CultureInfo.InvariantCulture, out inputs) && inputs > 0:
                    break;
                case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out seed):
                    break;
                default:
                    await Console.Error.WriteLineAsync($"fuzz: cannot understand '{args[i]} {value}'\n{Usage}");
                    return 2;
            }
        }

        if (isLive)
        {
            return await RunLiveAsync(inputs, seed);
        }

        int findings = 0;
        foreach (FuzzTarget target in targets)
        {
            findings += Run(target, inputs, seed);
        }

        return findings == 0 ? 0 : 1;
    }

    /// <summary>The steps of eng/fuzz-coverage, which runs them around afl-fuzz.</summary>
    private static int RunCoverage(string step, string name, string[] rest)
    {
        switch (step, rest)
        {
            case ("--serve", []):
                CoverageFuzz.Serve(name);
                return 0;
            case ("--seeds-of", [string folder]) when FuzzTargets.Find(name) is { } target:
                CoverageFuzz.WriteSeeds(target, folder);
                return 0;
            case ("--findings-of", [string folder]) when FuzzTargets.Find(name) is { } target:
                return CoverageFuzz.WriteFindings(target, folder) == 0 ? 0 : 1;
            default:
                Console.Error.WriteLine($"fuzz: {step} {name} is not understood, or no parser has that name\n{Usage}");
                return 2;
        }
    }

    private static async Task<int> RunLiveAsync(long inputs, int seed)
    {
        var live = new LiveFuzz(inputs, seed, Console.WriteLine);
        await live.RunAsync(CancellationToken.None);
        live.Findings.ForEach(finding => Console.WriteLine($"FOUND {finding}"));
        return live.Findings.Count == 0 ? 0 : 1;
    }

    private static int Run(FuzzTarget target, long inputs, int seed)
    {
        long started = Stopwatch.GetTimestamp();
        var run = new FuzzRun(target, seed);
        while (run.Inputs < inputs && run.Findings.Count == 0)
        {
            run.Run(Math.Min(inputs, run.Inputs + InputsAtOnce));
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{target.Name}: {run.Inputs} inputs of seed {seed} in {seconds:0.0} s, {run.Accepted} accepted,"
            + $" {run.Findings.Count} findings"));
        foreach (FuzzFinding finding in run.Findings)
        {
            Console.WriteLine($"  {FindingFiles.Write(finding)}\n  {finding.What}");
        }

        return run.Findings.Count;
    }
}
