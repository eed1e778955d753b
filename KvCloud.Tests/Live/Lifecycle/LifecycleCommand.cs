using System.Globalization;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>The command behind eng/lifecycle.</summary>
internal static class LifecycleCommand
{
    private const string Usage = """
        usage: eng/lifecycle [--quick] [--json FILE] [--max-roll-pause MS] [--rolls N] [--logs DIR] [--seed S]
        The life of a cluster under load: loss, replacement, growth, shrinking, a move, restarts in turn, full disks,
        and a backup of which another cluster is made.
        It succeeds when no acknowledged write is lost and no read went back in time.
        --max-roll-pause MS   it fails too when the restarts in turn cost a longer pause of writes
        --rolls N             all are restarted in turn N times, before everything else and after the move
        --logs DIR            what each replica says goes to DIR
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new LifecycleOptions { Tell = Console.WriteLine };
        string? file = null;
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--quick":
                    options = options with { Rest = TimeSpan.FromSeconds(3) };
                    break;
                case "--json" when !string.IsNullOrEmpty(value):
                    file = value;
                    i++;
                    break;
                case "--max-roll-pause" when int.TryParse(value, CultureInfo.InvariantCulture, out int ms) && ms > 0:
                    options = options with { LongestPauseOfRoll = TimeSpan.FromMilliseconds(ms) };
                    i++;
                    break;
                case "--rolls" when int.TryParse(value, CultureInfo.InvariantCulture, out int rolls) && rolls > 0:
                    options = options with { Rolls = rolls };
                    i++;
                    break;
                case "--logs" when !string.IsNullOrEmpty(value):
                    options = options with { LogDirectory = Directory.CreateDirectory(value).FullName };
                    i++;
                    break;
                case "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out int seed):
                    options = options with { Seed = seed };
                    i++;
                    break;
                default:
                    await Console.Error.WriteLineAsync($"lifecycle: cannot understand '{args[i]} {value}'\n{Usage}");
                    return 2;
            }
        }

        LifecycleReport report = await new LifecycleRun(options).RunAsync();
        report.Print();
        if (file is not null)
        {
            await File.WriteAllTextAsync(file, report.ToJson());
        }

        return report.Findings.Count == 0 ? 0 : 1;
    }
}
