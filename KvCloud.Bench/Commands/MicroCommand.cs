using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using KvCloud.Bench.Micro;

namespace KvCloud.Bench.Commands;

/// <summary><c>micro</c>: BenchmarkDotNet benchmarks of hot components.</summary>
internal static class MicroCommand
{
    private static readonly Type[] Benchmarks =
    [
        typeof(CodecBenchmarks), typeof(PaxosBenchmarks), typeof(ReplicaCodecBenchmarks), typeof(StoreBenchmarks),
        typeof(ThriftBenchmarks), typeof(LogBenchmarks), typeof(TransportBenchmarks),
    ];

    public static Command Create()
    {
        Option<string> filter = LoadOptionSet.Make(
            "--filter", "*", "Which: *Codec*, *Paxos*, *Replica*, *Store*, *Thrift*, *Log*, *Transport*");
        Option<string> artifacts = LoadOptionSet.Make(
            "--artifacts", Path.Combine(Path.GetTempPath(), "kvcloud-micro"), "Where BenchmarkDotNet puts its reports");
        var command = new Command(
            "micro",
            "BenchmarkDotNet: command codec, Paxos step, multi-version get and put, Thrift messages, logs, transports")
        {
            filter, artifacts,
        };
        command.SetAction(parsed =>
        {
            // Run in this process: a generated project would rebuild the whole solution for each benchmark.
            ManualConfig config = DefaultConfig.Instance
                .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
                .WithArtifactsPath(parsed.GetRequiredValue(artifacts));
            var summaries = BenchmarkSwitcher.FromTypes(Benchmarks)
                .Run(["--filter", parsed.GetRequiredValue(filter)], config)
                .ToList();
            return summaries.Count == 0 || summaries.Exists(summary => summary.Reports.Any(report => !report.Success))
                ? 1
                : 0;
        });
        return command;
    }
}
