using System.CommandLine;
using KvCloud.Bench;
using KvCloud.Bench.Commands;
using KvCloud.LocalCluster;

var root = new RootCommand(
    "KvCloud's load generator and comparisons. docs/benchmark.md explains the figures.")
{
    RunCommand.Create(),
    CompareCommand.Create(),
    YcsbCommand.Create(),
    ScaleCommand.Create(),
    TlsCommand.Create(),
    FairCommand.Create(),
    MicroCommand.Create(),
};

try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false })
        .ConfigureAwait(false);
}
catch (Exception failure) when (failure is BenchException or LocalClusterException)
{
    await Console.Error.WriteLineAsync($"error: {failure.Message}").ConfigureAwait(false);
    return 1;
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("stopped").ConfigureAwait(false);
    return 130;
}
