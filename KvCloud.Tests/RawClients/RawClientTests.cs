using KvCloud.Client;
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
    public async Task RawClient_in_python_runs_and_uses_every_method()
    {
        // The first python3 on the path need not be the one that has the module.
        Directory.CreateDirectory(Path.Combine(_folder, "bin"));
        File.CreateSymbolicLink(Path.Combine(_folder, "bin", "python3"), RawClientKit.PythonProgram);
        string path = $"{Path.Combine(_folder, "bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        await AgainstClusterAsync(
            "python",
            (framing, endpoints) => RawClientKit.RunAsync(
                RawClientKit.PythonProgram, [RawClientKit.Script("raw_client.py"), _folder, framing, .. endpoints]),
            ("PATH", path));
    }

    [RawClientFact("node")]
    public Task RawClient_in_javascript_runs_uses_every_method_and_pipelines_a_thousand_calls() =>
        AgainstClusterAsync("javascript", (framing, endpoints) => RawClientKit.RunAsync(
            "node",
            [RawClientKit.Script("raw_client.js"), _folder, framing, .. endpoints],
            ("NODE_PATH", Path.Combine(_folder, "node_modules"))));

    [RawClientFact("cpp")]
    public async Task RawClient_in_cpp_runs_and_uses_every_method()
    {
        string program = Path.Combine(_folder, "raw_client");
        await AgainstClusterAsync("cpp", async (framing, endpoints) =>
        {
            if (!File.Exists(program))
            {
                await RawClientKit.LinkCppAsync(_folder, program);
            }

            return await RawClientKit.RunAsync(program, [framing, .. endpoints]);
        });
    }

    /// <summary>In a project of its own, with the very assemblies that are under test.</summary>
    [Fact]
    public async Task RawClient_in_csharp_runs()
    {
        string[] references = ["KvCloud.Client", "KvCloud.Protocol", "Thrift"];
        string items = string.Concat(references.Select(name =>
            $"<Reference Include=\"{name}\" HintPath=\"{Path.Combine(AppContext.BaseDirectory, name + ".dll")}\" />"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "first.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
              </PropertyGroup>
              <ItemGroup>
                {items}
                <!-- Brings what the client's package depends on. -->
                <FrameworkReference Include="Microsoft.AspNetCore.App" />
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(_folder, "Program.cs"), FirstProgram.Of("csharp").Source);
        await RawClientKit.RunInAsync(_folder, "dotnet", ["build", "-nologo", "-v", "q", "-o", "out"]);
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        string printed = await RawClientKit.RunAsync(
            "dotnet", [Path.Combine(_folder, "out", "first.dll"), await FollowerAsync(cluster)]);
        Assert.Equal(FirstProgram.Printed(), printed);
    }

    /// <summary>The programs run from their first line to their last: what is written there is called.</summary>
    [Theory]
    [InlineData("raw_client.py")]
    [InlineData("raw_client.js")]
    [InlineData("raw_client.cpp")]
    public void RawClient_program_calls_every_method_of_the_contract(string script)
    {
        string source = File.ReadAllText(RawClientKit.Script(script));
        Assert.All(
            RawClientKit.Methods(),
            method => Assert.Matches($@"(kv|client|client\)|connect\(endpoint\))\s*\.{method}\(", source));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<string> FollowerAsync(LiveCluster cluster)
    {
        await using KvCloudClient client = cluster.NewClient();
        return cluster.Endpoints[(await cluster.LeaderAsync(client) + 1) % cluster.Count];
    }

    /// <summary>Does what the page says, and then has the larger client use the code that was generated so.</summary>
    private async Task AgainstClusterAsync(
        string language,
        Func<string, IReadOnlyList<string>, Task<string>> run,
        params (string Name, string Value)[] environment)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        string printed = await FirstProgram.Of(language).RunAsync(_folder, await FollowerAsync(cluster), environment);
        output.WriteLine(printed);
        Assert.Contains(FirstProgram.Printed(), printed, StringComparison.Ordinal);
        foreach (string framing in (string[])["unframed", "framed"])
        {
            output.WriteLine($"{framing}:\n{await run(framing, cluster.Endpoints)}");
        }
    }
}
