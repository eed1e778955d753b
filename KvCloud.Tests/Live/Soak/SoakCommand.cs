using System.Globalization;

namespace KvCloud.Tests.Live.Soak;

/// <summary>The command behind eng/soak.</summary>
internal static class SoakCommand
{
    private const string Usage = """
        usage: eng/soak --minutes N [--seed S] [--out DIR]
        Three replicas under load, a fault every few seconds. Samples (CSV) and a picture (soak.png) go to DIR,
        artifacts/soak without it. It succeeds when nothing was lost, nothing was wrong and nothing grows.
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new SoakOptions
        {
            Time = TimeSpan.Zero,
            OutputDirectory = Path.Combine("artifacts", "soak"),
            Tell = Console.WriteLine,
        };
        for (int i = 0; i < args.Length; i += 2)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            SoakOptions? next = args[i] switch
            {
                "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out double minutes)
                    && minutes is > 0 and < 100_000 => options with { Time = TimeSpan.FromMinutes(minutes) },
                "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out int seed) =>
                    options with { Seed = seed },
                "--out" when !string.IsNullOrEmpty(value) => options with { OutputDirectory = value },
                _ => null,
            };
            if (next is null)
            {
                await Console.Error.WriteLineAsync($"soak: cannot understand '{args[i]} {value}'\n{Usage}");
                return 2;
            }

            options = next;
        }

        if (options.Time == TimeSpan.Zero || !OperatingSystem.IsLinux())
        {
            await Console.Error.WriteLineAsync(
                OperatingSystem.IsLinux() ? Usage : "soak: what a process holds is read from /proc; it needs Linux");
            return 2;
        }

        SoakReport report = await new SoakRun(options).RunAsync();
        report.Print();
        return report.Findings.Count == 0 && !report.Growing.Any() ? 0 : 1;
    }
}
