using System.Diagnostics;
using System.Runtime.Versioning;
using KvCloud.LocalCluster;
using KvCloud.Tests.Live;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Cli;

/// <summary>The script for each shell in a real one, which asks the real program.</summary>
public sealed class CompletionCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-completion-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [UnixTheory]
    [UnsupportedOSPlatform("windows")]
    [InlineData("kv sta", "stats status")]
    [InlineData("kv member pro", "promote")]
    [InlineData("kv get a --consistency l", "leader local")]
    [InlineData("kv status --output ", "json plain table")]
    [InlineData("kv doctor --arch", "--archive")]
    public async Task Create_bash_completes_commands_options_and_their_values(string typed, string expected)
    {
        Assert.Equal(expected, await CompleteAsync(typed));
    }

    [FactNeeds("fish")]
    [UnsupportedOSPlatform("windows")]
    public async Task Create_fish_completes_commands_options_values_and_files()
    {
        WriteProgram();
        Directory.CreateDirectory(Path.Combine(_folder, "fish"));
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "fish", "config.fish"), "kv completion fish | source\n");

        Assert.Equal("member", await FishAsync("kv mem"));
        Assert.Equal("promote", await FishAsync("kv member pro"));
        Assert.Equal("leader local", await FishAsync("kv get a --consistency l"));
        Assert.Equal("stats status", await FishAsync("echo kv; kv sta"));
        Assert.Equal("--archive", await FishAsync("kv doctor --arch"));
        Assert.Equal($"{_folder}/fish/", await FishAsync($"kv status --ca {_folder}/fi"));
        Assert.DoesNotContain("/", await FishAsync("kv "), StringComparison.Ordinal);
    }

    [FactNeeds("zsh")]
    [UnsupportedOSPlatform("windows")]
    public async Task Create_zsh_completes_commands_options_values_and_files()
    {
        Assert.True(ExternalTool.IsThere("tmux"), "tmux is needed too");
        WriteProgram();
        await File.WriteAllTextAsync(
            Path.Combine(_folder, ".zshrc"),
            "PS1='zsh> '\nsetopt no_list_ambiguous\n"
            + "autoload -Uz compinit\ncompinit -D -u\nsource <(kv completion zsh)\necho ready\n");
        await using TmuxTerminal terminal = await TmuxTerminal.StartAsync(
            $"env ZDOTDIR='{_folder}' PATH='{SearchPath()}' zsh -i");
        await terminal.UntilAsync(screen => screen.Contains("ready\nzsh>", StringComparison.Ordinal), "the prompt");

        await TypeAsync(terminal, "kv member pro", "kv member promote");
        await TypeAsync(terminal, "kv get a --consistency le", "kv get a --consistency leader");
        await TypeAsync(terminal, "kv doctor --arch", "kv doctor --archive");
        await TypeAsync(terminal, $"kv status --ca {_folder}/.zshr", $"{_folder}/.zshrc");
        await TypeAsync(terminal, "echo kv; kv member pro", "echo kv; kv member promote");
        await TypeAsync(terminal, "kv sta", "stats   status");
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _kv kv")]
    [InlineData("zsh", "compdef _kv kv")]
    [InlineData("fish", "complete -c kv")]
    public async Task Create_each_shell_has_a_script(string shell, string expected)
    {
        KvRun run = await KvRun.Async("completion", shell);
        Assert.Equal(0, run.Code);
        Assert.Contains(expected, run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_unknown_shell_is_refused() =>
        Assert.Equal(2, (await KvRun.Async("completion", "tcsh")).Code);

    /// <summary>Types a line and Tab, waits for what stands on the screen then, and drops the line.</summary>
    private static async Task TypeAsync(TmuxTerminal terminal, string line, string expected)
    {
        await terminal.TypeAsync("-l", line);
        await terminal.TypeAsync("Tab");
        await terminal.UntilAsync(screen => screen.Contains(expected, StringComparison.Ordinal), expected);
        await terminal.TypeAsync("C-u", "C-l");
        await terminal.UntilAsync(
            screen => !screen.Contains(expected, StringComparison.Ordinal), $"a clear screen after {line}");
    }

    private Task<string> FishAsync(string typed)
    {
        var start = new ProcessStartInfo("fish", ["-c", $"complete -C '{typed}' | string replace -r '\t.*' ''"]);
        start.Environment["XDG_CONFIG_HOME"] = _folder;
        start.Environment["XDG_DATA_HOME"] = _folder;
        return LinesOfAsync(start);
    }

    [UnsupportedOSPlatform("windows")]
    private async Task<string> CompleteAsync(string typed)
    {
        string script = Path.Combine(_folder, "kv.bash");
        await File.WriteAllTextAsync(script, (await KvRun.Async("completion", "bash")).Text);
        WriteProgram();
        string word = typed.Split(' ')[^1];
        return await LinesOfAsync(new ProcessStartInfo(
            "bash",
            [
                "-c",
                $"source '{script}'; COMP_WORDS=({typed}); COMP_LINE='{typed}'; COMP_POINT=${{#COMP_LINE}};"
                + $" _kv kv '{word}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            ]));
    }

    /// <summary>The program under test by the name that the scripts call.</summary>
    [UnsupportedOSPlatform("windows")]
    private void WriteProgram()
    {
        string program = Path.Combine(_folder, "kv");
        string assembly = Path.Combine(AppContext.BaseDirectory, "kv.dll");
        File.WriteAllText(program, $"#!/bin/bash\nexec '{DotNet.Host}' '{assembly}' \"$@\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string SearchPath() => $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}";

    /// <summary>The lines that a shell prints, in order and on one line.</summary>
    private async Task<string> LinesOfAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["PATH"] = SearchPath();
        start.Environment["LC_ALL"] = "C.UTF-8";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        return string.Join(
            ' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }
}
