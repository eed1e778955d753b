using System.CommandLine;
using KvCloud.Bench.Load;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Commands;

/// <summary><c>run</c>: one load against running servers.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var load = new LoadOptionSet();
        Option<string> mix = LoadOptionSet.Make(
            "--mix", "set:100",
            "Operations and weights: set, insert, get_local, get_leader, get_read_index, range, commit, rmw");
        var json = new Option<FileInfo?>("--json") { Description = "Writes the result to this file as JSON" };
        var command = new Command("run", "Runs one load against running servers") { mix, json };
        load.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            LoadOptions options = load.Read(parsed) with { Mix = OperationMix.Parse(parsed.GetRequiredValue(mix)) };
            LoadResult result = await LoadGenerator
                .RunAsync(options, Console.Error, cancellationToken).ConfigureAwait(false);
            ResultTable.Print([result]);
            if (parsed.GetValue(json) is { } file)
            {
                await JsonReport.WriteAsync(file.FullName, result, cancellationToken).ConfigureAwait(false);
            }

            return result.Errors > 0 && result.Throughput == 0 ? 1 : 0;
        });
        return command;
    }
}
