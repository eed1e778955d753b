using System.CommandLine;
using KvCloud.Bench.Compare;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Commands;

/// <summary>
/// <c>compare</c>, which eng/compare runs: measures three replicas of KvCloud and three members of etcd alternately.
/// </summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        Option<bool> quick = LoadOptionSet.Make("--quick", false, "Two short rounds, three kills: under four minutes");
        var rounds = new Option<int?>("--rounds") { Description = "Number of rounds, each with both systems" };
        var seconds = new Option<double?>("--seconds") { Description = "Seconds measured per workload" };
        var kills = new Option<int?>("--kills") { Description = "Number of leaders killed per system; 0 for none" };
        Option<string> only = LoadOptionSet.Make("--only", "both", "both | kvcloud | etcd");
        Option<string> dataDirectory = LoadOptionSet.Make(
            "--data-dir", Path.GetTempPath(), "Directory of the servers' data, on a real disk");
        var json = new Option<FileInfo?>("--json") { Description = "Writes the figures to this file as JSON" };
        var details =
            new Option<FileInfo?>("--details") { Description = "Writes every run's result to this file as JSON" };
        var picture =
            new Option<FileInfo?>("--picture") { Description = "Draws throughput and p99 against clients: a PNG" };
        var command = new Command("compare", "Measures KvCloud and etcd alternately (A B A B) on this machine")
        {
            quick, rounds, seconds, kills, only, dataDirectory, json, details, picture,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string root = parsed.GetRequiredValue(dataDirectory);
            CompareOptions plan = parsed.GetValue(quick) ? CompareOptions.Quick(root) : CompareOptions.Full(root);
            string which = parsed.GetRequiredValue(only);
            if (which is not ("both" or "kvcloud" or "etcd"))
            {
                throw new BenchException($"--only {which}: must be both, kvcloud or etcd");
            }

            plan = plan with
            {
                Rounds = Positive("--rounds", parsed.GetValue(rounds) ?? plan.Rounds),
                Duration = TimeSpan.FromSeconds(
                    Positive("--seconds", parsed.GetValue(seconds) ?? plan.Duration.TotalSeconds)),
                Kills = parsed.GetValue(kills) ?? plan.Kills,
                WithKvCloud = which != "etcd",
                WithEtcd = which != "kvcloud",
            };
            CompareOutcome outcome = await new CompareRunner(plan, Console.Error)
                .RunAsync(cancellationToken).ConfigureAwait(false);
            CompareTable.Print(outcome, CompareWork.All(plan.Sweep));
            await SaveAsync(
                outcome, parsed.GetValue(json), parsed.GetValue(details), parsed.GetValue(picture), cancellationToken)
                .ConfigureAwait(false);
            return outcome.Durability.All(durability => durability.IsDurable) ? 0 : 1;
        });
        return command;
    }

    private static async Task SaveAsync(
        CompareOutcome outcome, FileInfo? json, FileInfo? details, FileInfo? picture,
        CancellationToken cancellationToken)
    {
        if (json is not null)
        {
            await JsonReport.WriteAsync(json.FullName, outcome.Figures, cancellationToken).ConfigureAwait(false);
        }

        if (details is not null)
        {
            await JsonReport.WriteAsync(details.FullName, outcome, cancellationToken).ConfigureAwait(false);
        }

        if (picture is not null)
        {
            ComparePicture.Save(picture.FullName, outcome.Figures);
            Console.WriteLine($"picture: {picture.FullName}");
        }
    }

    private static T Positive<T>(string name, T value)
        where T : System.Numerics.INumber<T> =>
        T.IsPositive(value) && !T.IsZero(value) ? value : throw new BenchException($"{name} {value} must be above 0");
}
