using System.Globalization;

namespace KvCloud.Tests.Simulation;

/// <summary>What became of one seed.</summary>
internal sealed record SimReport(
    ulong Seed,
    string? Failure,
    long Events,
    long Slots,
    int Answers,
    int Reads,
    int Transactions,
    int Audits,
    long RecoveryUs,
    SimReached Reached,
    ulong TraceHash);

/// <summary>Runs seeds, each in a world of its own, and tells how to live through a failure again.</summary>
internal static class SimRunner
{
    private const int LastEvents = 60;

    public static SimReport Run(ulong seed, SimOptions options, Action<string>? trace = null)
    {
        using var world = new SimWorld(seed, options, trace);
        string? failure = null;
        try
        {
            world.Run();
            new SimRecovery(seed, options, trace).Run(world);
        }
        catch (Exception exception)
        {
            failure = exception is SimFailureException ? exception.Message : exception.ToString();
            failure = string.Create(
                CultureInfo.InvariantCulture, $"seed {seed}, at {world.NowUs / 1_000.0:0.000} ms: {failure}");
        }

        return new SimReport(
            seed,
            failure,
            world.Events,
            world.Checker.AgreedSlot.Value,
            world.Checker.Answers,
            world.Checker.Reads,
            world.Transactions,
            world.Audits,
            world.RecoveryUs,
            world.Reached,
            world.TraceHash);
    }

    /// <summary>Lives through the seed again and tells its last events.</summary>
    public static string Explain(SimReport report, SimOptions options)
    {
        var last = new Queue<string>();
        Run(report.Seed, options, line =>
        {
            last.Enqueue(line);
            if (last.Count > LastEvents)
            {
                last.Dequeue();
            }
        });
        return $"{report.Failure}\nreplay with: eng/simulate --seed {report.Seed} --trace{options}\n"
            + $"last events:\n{string.Join('\n', last)}";
    }

    /// <summary>
    /// Runs so many seeds on as many threads as there are processors, and gives the failures, at most a few; it stops
    /// early when there are that many, or enough was seen.
    /// </summary>
    public static IReadOnlyList<SimReport> RunMany(
        ulong from,
        int count,
        SimOptions options,
        Action<SimReport>? onReport = null,
        int maxFailures = 3,
        Func<bool>? isEnough = null)
    {
        var failures = new List<SimReport>();
        object gate = new();
        long next = -1;
        void Work()
        {
            while (true)
            {
                long index = Interlocked.Increment(ref next);
                lock (gate)
                {
                    if (index >= count || failures.Count >= maxFailures || (isEnough?.Invoke() ?? false))
                    {
                        return;
                    }
                }

                SimReport report = Run(from + (ulong)index, options);
                lock (gate)
                {
                    onReport?.Invoke(report);
                    if (report.Failure is not null)
                    {
                        failures.Add(report);
                    }
                }
            }
        }

        Thread[] threads =
        [
            .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work) { IsBackground = true }),
        ];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        return [.. failures.OrderBy(report => report.Seed)];
    }
}
