using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>The command behind eng/power-cut.</summary>
internal static class PowerCutCommand
{
    private const string Usage = """
        usage: eng/power-cut --cuts N [--seed S]      cut the power of three replicas under load N times
               [--keep]                               leave their disks, and say where
               [--sabotage]                           pretend the syncs before the last cut: it must find lost writes
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new PowerCutOptions { Cuts = 0, Tell = Console.Out.WriteLine };
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--cuts" when int.TryParse(value, CultureInfo.InvariantCulture, out int cuts) && cuts > 0:
                    options = options with { Cuts = cuts };
                    i++;
                    break;
                case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out int seed):
                    options = options with { Seed = seed };
                    i++;
                    break;
                case "--keep":
                    options = options with { IsKept = true };
                    break;
                case "--sabotage":
                    options = options with { IsSabotaged = true };
                    break;
                default:
                    await Console.Error.WriteLineAsync($"power-cut: cannot understand '{args[i]} {value}'\n{Usage}");
                    return 2;
            }
        }

        if (options.Cuts == 0)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        if (LossyDiskLibrary.Missing is { } missing)
        {
            await Console.Error.WriteLineAsync($"power-cut: {missing}");
            return 2;
        }

        var watch = Stopwatch.StartNew();
        PowerCutReport report = await new PowerCutRun(options).RunAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"\n{report}\nin {watch.Elapsed.TotalSeconds:0} s"));
        foreach (string finding in report.Findings)
        {
            Console.WriteLine($"\nFOUND {finding}");
        }

        return report.Findings.Count == 0 ? 0 : 1;
    }
}
