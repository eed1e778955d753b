using KvCloud.Tests.Live;
using Xunit.Abstractions;

namespace KvCloud.Tests.RawClients;

/// <summary>
/// Clients that know nothing of us, generated from kvstore.thrift by Thrift's own compiler, against a live cluster of
/// three, framed and unframed.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class RawClientTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvcloud-raw-").FullName;

    [RawClientFact("python")]
    public async Task Python_client_uses_every_method()
    {
        await RawClientKit.GenerateAsync("py", _folder);
        await AgainstClusterAsync((framing, endpoints) => RawClientKit.RunAsync(
            RawClientKit.Python ?? "python3", [RawClientKit.Script("raw_client.py"), _folder, framing, .. endpoints]));
    }

    [RawClientFact("node")]
    public async Task Node_client_pipelines_a_thousand_calls_and_gets_answers_in_order()
    {
        await RawClientKit.GenerateAsync("js:node", _folder);
        await RawClientKit.InstallNodeThriftAsync(_folder);
        await AgainstClusterAsync((framing, endpoints) => RawClientKit.RunAsync(
            "node",
            [RawClientKit.Script("raw_client.js"), _folder, framing, .. endpoints],
            ("NODE_PATH", Path.Combine(_folder, "node_modules"))));
    }

    [RawClientFact("cpp")]
    public async Task Cpp_client_reads_writes_and_commits()
    {
        var program = Path.Combine(_folder, "raw_client");
        await RawClientKit.GenerateAsync("cpp", _folder);
        await RawClientKit.CompileCppAsync(_folder, program);
        await AgainstClusterAsync((framing, endpoints) => RawClientKit.RunAsync(program, [framing, .. endpoints]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task AgainstClusterAsync(Func<string, IReadOnlyList<string>, Task<string>> run)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        foreach (var framing in (string[])["unframed", "framed"])
        {
            output.WriteLine($"{framing}:\n{await run(framing, cluster.Endpoints)}");
        }
    }
}
