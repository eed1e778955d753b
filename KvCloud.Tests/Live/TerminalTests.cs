using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>`kv` in a real terminal: what a person types, and what is on the screen.</summary>
[Collection(LiveCollection.Name)]
public sealed class TerminalTests(Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("kv-home-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [UnixFact]
    public async Task ShellCommand_typed_completes_remembers_and_stops_what_runs()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using (TmuxTerminal terminal = await KvAsync(cluster, "shell"))
        {
            await terminal.UntilAsync(screen => screen.Contains("kv>", StringComparison.Ordinal), "the prompt");
            await terminal.TypeAsync("set greeting 'hello world'", "Enter");
            await terminal.UntilAsync(screen => screen.Contains("OK ", StringComparison.Ordinal), "the write");
            await terminal.TypeAsync("get greetinx", "BSpace", "g", "Enter");
            await terminal.UntilAsync(
                screen => screen.Contains("\nhello world", StringComparison.Ordinal), "the value, after a correction");

            // Completion of a command, and the candidates of a word that may become several.
            await terminal.TypeAsync("memb", "Tab", "li", "Tab", "Enter");
            await terminal.UntilAsync(
                screen => screen.Contains("kv> member list", StringComparison.Ordinal)
                    && screen.Contains("peer endpoint", StringComparison.Ordinal),
                "the completed command and its table");
            await terminal.TypeAsync("sta", "Tab", "Tab");
            await terminal.UntilAsync(
                screen => screen.Contains("stats  status", StringComparison.Ordinal), "the candidates");

            // Ctrl-C drops the line; Up brings back the one before.
            await terminal.TypeAsync("C-c", "Up", "Up", "Enter");
            await terminal.UntilAsync(screen => screen.Split("hello world").Length > 3, "the line from the history");

            // Ctrl-C stops a command and not the shell.
            await terminal.TypeAsync("tail", "Enter");
            await terminal.UntilAsync(
                screen => screen.Contains("leader_elected", StringComparison.Ordinal), "events");
            await terminal.TypeAsync("C-c");
            await terminal.UntilAsync(
                screen => screen.Contains("kv: interrupted", StringComparison.Ordinal), "the stop");
            await terminal.TypeAsync("exit", "Enter");
            output.WriteLine(await terminal.UntilAsync(
                screen => screen.Contains(TmuxTerminal.Ended, StringComparison.Ordinal), "the end"));
        }

        Assert.Contains("set greeting 'hello world'", await File.ReadAllLinesAsync(
            Path.Combine(_home, ".local", "state", "kv", "history")));
    }

    [UnixFact]
    public async Task TopCommand_on_a_terminal_is_live_until_q()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using TmuxTerminal terminal = await KvAsync(cluster, "top");
        await terminal.UntilAsync(
            screen => screen.Contains("3 of 3 voters answer", StringComparison.Ordinal), "the nodes");
        await cluster.Processes.KillAsync(2);
        output.WriteLine(await terminal.UntilAsync(
            screen => screen.Contains("2 of 3 voters answer", StringComparison.Ordinal)
                && screen.Contains("unreachable", StringComparison.Ordinal),
            "the node that died"));
        await terminal.TypeAsync("q");
        await terminal.UntilAsync(screen => screen.Contains(TmuxTerminal.Ended, StringComparison.Ordinal), "the end");
    }

    [UnixFact]
    public async Task DoctorCommand_on_a_terminal_reads_as_text()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        int follower = (await cluster.LeaderAsync(client) + 1) % cluster.Count;
        await cluster.Processes.KillAsync(follower);
        await using TmuxTerminal terminal = await KvAsync(cluster, "doctor");
        string screen = await terminal.UntilAsync(
            shown => shown.Contains(TmuxTerminal.Ended, StringComparison.Ordinal), "the end");
        output.WriteLine(screen);
        Assert.Contains("error  ", screen, StringComparison.Ordinal);
        Assert.Contains($"node {follower}: ", screen, StringComparison.Ordinal);
        Assert.Contains($"kv member replace {follower} NEW", screen, StringComparison.Ordinal);
        Assert.Contains("docs/runbooks/KvCloudReplicaDown.md", screen, StringComparison.Ordinal);
        Assert.Contains("1 error,", screen, StringComparison.Ordinal);
    }

    private Task<TmuxTerminal> KvAsync(LiveCluster cluster, string command)
    {
        string kv = Path.Combine(AppContext.BaseDirectory, "kv.dll");
        return TmuxTerminal.StartAsync(
            $"env HOME='{_home}' XDG_STATE_HOME= '{DotNet.Host}' '{kv}' {command}"
            + $" --endpoints {string.Join(',', cluster.Endpoints)}");
    }
}
