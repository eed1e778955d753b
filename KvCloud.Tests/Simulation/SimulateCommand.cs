using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Tests.Simulation;

/// <summary>The command behind eng/simulate: any number of seeds, or one with its trace.</summary>
public static class SimulateCommand
{
    private const string Usage = """
        usage: eng/simulate --seeds N [--from S]     run N seeds from S on (default 1)
               eng/simulate --seed S [--trace]       live through one seed; with --trace print every event
               [--workload registers|bank|cycle]     what the clients do; without it the seed says
               [--lag SLOTS]                         one replica is away until it is so far behind
               [--sabotage NAME [--control]]         break the world on purpose; or run the same world unbroken
        """;

    public static int Main(string[] args)
    {
        ulong? seed = null;
        ulong from = 1;
        int seeds = 0;
        bool isTraced = false;
        SimOptions options = SimOptions.Default;
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            bool isUnderstood = args[i] switch
            {
                "simulate" => true,
                "--trace" => isTraced = true,
                "--seed" => ulong.TryParse(value, CultureInfo.InvariantCulture, out ulong number)
                    && (seed = number) is not null && ++i > 0,
                "--from" => ulong.TryParse(value, CultureInfo.InvariantCulture, out from) && ++i > 0,
                "--seeds" => int.TryParse(value, CultureInfo.InvariantCulture, out seeds) && seeds > 0 && ++i > 0,
                "--sabotage" =>
                    Enum.TryParse(value, ignoreCase: true, out Sabotage sabotage) && Enum.IsDefined(sabotage)
                    && (options = options with { Sabotage = sabotage }) == options && ++i > 0,
                "--control" => (options = options with { IsControl = true }) == options,
                "--lag" => int.TryParse(value, CultureInfo.InvariantCulture, out int lag) && lag > 0
                    && (options = options with { Lag = lag }) == options && ++i > 0,
                "--workload" => Enum.TryParse(value, ignoreCase: true, out SimWorkload named) && Enum.IsDefined(named)
                    && (options = options with { Workload = named }) == options && ++i > 0,
                _ => false,
            };
            if (!isUnderstood)
            {
                Console.Error.WriteLine($"simulate: cannot understand '{args[i]} {value}'\n{Usage}");
                return 2;
            }
        }

        if (seed is ulong one)
        {
            return RunOne(one, options, isTraced);
        }

        if (seeds == 0)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        return RunMany(from, seeds, options);
    }

    private static int RunOne(ulong seed, SimOptions options, bool isTraced)
    {
        SimReport report = SimRunner.Run(seed, options, isTraced ? Console.Out.WriteLine : null);
        Console.WriteLine(report.Failure is null
            ? $"seed {seed}: {report.Events} events, {report.Slots} slots, {report.Answers} writes answered, "
                + $"{report.Reads} reads, {report.Transactions} transactions, {report.Audits} audits, "
                + $"recovered in {report.RecoveryUs / 1_000} ms; {report.Reached}; trace {report.TraceHash:x16}"
            : SimRunner.Explain(report, options));
        return report.Failure is null ? 0 : 1;
    }

    private static int RunMany(ulong from, int seeds, SimOptions options)
    {
        var watch = Stopwatch.StartNew();
        var totals = new SimTotals();
        IReadOnlyList<SimReport> failures = SimRunner.RunMany(from, seeds, options, report =>
        {
            totals.Add(report);
            if (report.Failure is not null)
            {
                Console.WriteLine(report.Failure);
            }
            else if (totals.Seeds % 1_000 == 0)
            {
                Console.WriteLine($"{totals.Seeds} seeds, {totals.Seeds / watch.Elapsed.TotalSeconds:0} a second");
            }
        });

        Console.WriteLine(
            $"{totals.Seeds} seeds from {from} in {watch.Elapsed.TotalSeconds:0.0} s "
            + $"({totals.Seeds / watch.Elapsed.TotalSeconds:0.0} a second): {failures.Count} failures, {totals}");
        foreach (SimReport failure in failures)
        {
            Console.WriteLine();
            Console.WriteLine(SimRunner.Explain(failure, options));
        }

        return failures.Count == 0 ? 0 : 1;
    }
}
