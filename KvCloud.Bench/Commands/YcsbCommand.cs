using System.CommandLine;
using KvCloud.Bench.Load;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Commands;

/// <summary>
/// <c>ycsb</c>: the core workloads of the Yahoo! Cloud Serving Benchmark (Cooper et al., SoCC 2010). The workload
/// determines mix and distribution; sizes, connections and duration remain options.
/// </summary>
internal static class YcsbCommand
{
    private static readonly Dictionary<string, (string Mix, KeyDistribution Distribution, string What)> Workloads =
        new()
        {
            ["a"] = ("get_leader:50,set:50", KeyDistribution.Zipf, "update heavy"),
            ["b"] = ("get_leader:95,set:5", KeyDistribution.Zipf, "read mostly"),
            ["c"] = ("get_leader:100", KeyDistribution.Zipf, "read only"),
            ["d"] = ("get_leader:95,insert:5", KeyDistribution.Latest, "read latest"),
            ["e"] = ("range:95,insert:5", KeyDistribution.Zipf, "short ranges"),
            ["f"] = ("get_leader:50,rmw:50", KeyDistribution.Zipf, "read, modify, write"),
        };

    public static IEnumerable<string> Names => Workloads.Keys;

    public static Command Create()
    {
        var load = new LoadOptionSet();
        var workload = new Option<string>("--workload", "-w") { Description = "a to f, or all", Required = true };
        var json = new Option<FileInfo?>("--json") { Description = "Writes the results to this file as JSON" };
        var command = new Command("ycsb", "YCSB's workloads A to F; keys are preloaded unless --preload says how many")
        {
            workload, json,
        };
        load.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            LoadOptions options = load.Read(parsed);
            string chosen = parsed.GetRequiredValue(workload).ToLowerInvariant();
            string[] names = chosen == "all" ? [.. Names] : (string[])[chosen];
            var results = new List<LoadResult>();
            foreach (string name in names)
            {
                long preload = results.Count > 0 ? 0 : options.Preload == 0 ? options.Keys : options.Preload;
                LoadOptions run = Apply(options, name) with { Preload = preload };
                results.Add(await LoadGenerator.RunAsync(run, Console.Error, cancellationToken).ConfigureAwait(false));
            }

            ResultTable.Print(results, [.. names.Select(name => $"ycsb {name} ({Workloads[name].What})")]);
            if (parsed.GetValue(json) is { } file)
            {
                var byName = names.Zip(results).ToDictionary(pair => pair.First, pair => pair.Second);
                await JsonReport.WriteAsync(file.FullName, byName, cancellationToken).ConfigureAwait(false);
            }

            return 0;
        });
        return command;
    }

    /// <summary>Applies a workload to the options; what the workload does not define stays unchanged.</summary>
    public static LoadOptions Apply(LoadOptions options, string name)
    {
        if (!Workloads.TryGetValue(name, out (string Mix, KeyDistribution Distribution, string What) workload))
        {
            throw new BenchException($"--workload {name}: must be one of {string.Join(", ", Names)} or all");
        }

        return options with { Mix = OperationMix.Parse(workload.Mix), Distribution = workload.Distribution };
    }
}
