using System.Text;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Tests.Node.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary><c>--health</c>, against servers that answer as a node does. PublishedNodeTests ask real ones.</summary>
public sealed class HealthCommandTests : IDisposable
{
    private readonly SettingsFixture _settings = new();
    private readonly int _port = FreePorts.Find(1)[0];

    public void Dispose() => _settings.Dispose();

    [Theory]
    [InlineData(200, ExitCodes.Clean)]
    [InlineData(503, ExitCodes.Unhealthy)]
    public async Task AskAsync_answer_is_printed_and_its_status_is_the_exit_code(int status, int exitCode)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(_port));
        await using WebApplication node = builder.Build();
        node.MapGet("/health", () => Results.Text("what it says", statusCode: status));
        await node.StartAsync();

        Assert.Equal((exitCode, "what it says\n"), await AskAsync());
    }

    [Fact]
    public async Task AskAsync_of_a_node_that_does_not_answer_is_not_healthy()
    {
        (int exitCode, string said) = await AskAsync();

        Assert.Equal(ExitCodes.Unhealthy, exitCode);
        Assert.StartsWith($"http://127.0.0.1:{_port}/health does not answer", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*", "http://127.0.0.1:9290/health")]
    [InlineData("localhost", "http://127.0.0.1:9290/health")]
    [InlineData("10.0.0.7", "http://10.0.0.7:9290/health")]
    [InlineData("::1", "http://[::1]:9290/health")]
    public void AddressOf_a_node_is_where_it_listens(string listen, string address)
    {
        var topology = NodeTopology.From(_settings.Load(args: [$"--listen.address={listen}"]).Options);

        Assert.Equal(new Uri(address), HealthCommand.AddressOf(topology));
    }

    [Fact]
    public void AskHealth_of_a_command_line_with_the_flag_is_true()
    {
        Assert.True(KvCloud.Node.Configuration.CommandLine.Parse(["--health"]).AskHealth);
        Assert.False(KvCloud.Node.Configuration.CommandLine.Parse([]).AskHealth);
    }

    private async Task<(int ExitCode, string Said)> AskAsync()
    {
        var topology = NodeTopology.From(_settings.Load(args: [$"--listen.http_port={_port}"]).Options);
        await using var output = new StringWriter(new StringBuilder()) { NewLine = "\n" };
        return (await HealthCommand.AskAsync(topology, tls: null, output), output.ToString());
    }
}
