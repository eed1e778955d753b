using System.Diagnostics;
using System.Globalization;
using KvCloud.LocalCluster;
using KvCloud.Tests.Deployment;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live.Documents;

/// <summary>
/// Every command in the documents is run against a live cluster, page by page in a folder of its own. What needs
/// something that is not here is marked where it stands, with the reason, and counted here.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class DocumentedCommandTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Blocks that are marked as not run. Who marks one more says so here.</summary>
    private const int NotRun = 20;

    /// <summary>
    /// What a reader's shell has: `kv`, and `dotnet run` of the command line, which is built already. Anything else of
    /// dotnet takes minutes, and is marked.
    /// </summary>
    private const string Prelude = """
        set -euo pipefail
        shopt -s expand_aliases
        kv() { command dotnet "$KV_PROGRAM" "$@"; }
        dotnet() {
          if [ "${1-} ${2-} ${3-} ${4-}" = "run --project KvCloud.Cli --" ]; then shift 4; kv "$@"
          else echo "dotnet $* is not run here: mark its block" >&2; return 97; fi
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("kvcloud-documents-").FullName;

    public static TheoryData<string> PagesWithCommands =>
    [
        .. CommandBlock.All.Where(block => block.WhyNotRun is null).Select(block => block.Page).Distinct(),
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CommandBlock_of_any_page_says_in_which_language_it_is() =>
        Assert.Empty(CommandBlock.Fenced.Where(block => block.Language.Length == 0).Select(block => block.ToString()));

    [Fact]
    public void CommandBlock_that_is_not_run_says_why_and_is_counted()
    {
        CommandBlock[] notRun = [.. CommandBlock.Fenced.Where(block => block.WhyNotRun is not null)];
        foreach (CommandBlock block in notRun)
        {
            output.WriteLine($"{block}: {block.WhyNotRun}");
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{CommandBlock.All.Count() - notRun.Length} blocks are run, {notRun.Length} are not"));
        Assert.Equal(NotRun, notRun.Length);
        Assert.All(notRun, block => Assert.Contains(block, CommandBlock.All));
    }

    [UnixTheory]
    [MemberData(nameof(PagesWithCommands))]
    public async Task CommandBlock_of_a_page_runs_as_it_stands(string page)
    {
        CommandBlock[] blocks = [.. CommandBlock.All.Where(block => block.Page == page && block.WhyNotRun is null)];
        await using LiveCluster cluster = await LiveCluster.StartAsync(restartCrashed: true);
        string script = Path.Combine(_folder, "page.sh");
        await File.WriteAllTextAsync(
            script,
            $"{Prelude}\n{string.Concat(blocks.Select(block => $"echo '== {block}'\n{block.Script}\n"))}");
        string place = Directory.CreateDirectory(Path.Combine(_folder, "reader")).FullName;
        var start = new ProcessStartInfo("bash", [script]) { WorkingDirectory = place };
        start.Environment["KV_PROGRAM"] = Path.Combine(AppContext.BaseDirectory, "kv.dll");
        start.Environment["KVCLOUD_ENDPOINTS"] = string.Join(',', cluster.Endpoints);
        start.Environment["PATH"] = $"{Path.GetDirectoryName(DotNet.Host)}:{start.Environment["PATH"]}";

        output.WriteLine(await ToolRun.OutputAsync(start));
    }

    [Fact]
    public async Task DocumentedCommands_in_the_text_of_any_page_are_those_that_kv_has()
    {
        List<string> mistakes = [];
        foreach ((string page, string command) in DocumentedCommands.InText)
        {
            if (await DocumentedCommands.MistakeAsync(command) is { } mistake)
            {
                mistakes.Add($"{page}: `kv {command}`: {mistake}");
            }
        }

        output.WriteLine($"{DocumentedCommands.InText.Count} commands");
        Assert.True(DocumentedCommands.InText.Count > 100, $"only {DocumentedCommands.InText.Count} were found");
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }
}
