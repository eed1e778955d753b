using System.Globalization;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>The command behind eng/attacks.</summary>
internal static class AttackCommand
{
    private const string Usage = """
        usage: eng/attacks [--only TEXT] [--seconds S]
        Attacks the leader of a cluster of real processes, one attack after the other, while ten callers write and read.
        It succeeds when no acknowledged write is lost, no read went back in time, no process ended and no memory grew
        without bound.
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new AttackOptions { Tell = Console.WriteLine };
        for (int i = 0; i < args.Length; i += 2)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--only" when value.Length > 0:
                    options = options with
                    {
                        Attacks =
                        [
                            .. AttackList.All.Where(
                                attack => attack.Name.Contains(value, StringComparison.OrdinalIgnoreCase)),
                        ],
                    };
                    break;
                case "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out double s) && s > 0:
                    options = options with { Duration = TimeSpan.FromSeconds(s) };
                    break;
                default:
                    await Console.Error.WriteLineAsync($"attacks: cannot understand '{args[i]} {value}'\n{Usage}");
                    return 2;
            }
        }

        var run = new AttackRun(options);
        await run.RunAsync();
        if (options.Attacks.Count == AttackList.All.Count)
        {
            // Each on a cluster of its own, since the first of them breaks it.
            Console.WriteLine($"a leader's voice, without TLS: {(await ForgedPeer.RunAsync(isSecured: false)).What}");
            (bool isServed, string what) = await ForgedPeer.RunAsync(isSecured: true);
            Console.WriteLine($"a leader's voice, with mutual TLS: {what}");
            if (isServed)
            {
                run.Findings.Add("with mutual TLS a stranger spoke in the leader's name");
            }
        }

        run.Print();
        return run.Findings.Count == 0 ? 0 : 1;
    }
}
