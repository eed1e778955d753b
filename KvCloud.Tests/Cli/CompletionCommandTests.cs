using System.Diagnostics;
using System.Runtime.Versioning;
using KvCloud.LocalCluster;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Cli;

/// <summary>The script for bash in a real one, which asks the real program.</summary>
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

    [UnsupportedOSPlatform("windows")]
    private async Task<string> CompleteAsync(string typed)
    {
        string script = Path.Combine(_folder, "kv.bash");
        await File.WriteAllTextAsync(script, (await KvRun.Async("completion", "bash")).Text);
        string program = Path.Combine(_folder, "kv");
        string assembly = Path.Combine(AppContext.BaseDirectory, "kv.dll");
        await File.WriteAllTextAsync(program, $"#!/bin/bash\nexec '{DotNet.Host}' '{assembly}' \"$@\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string word = typed.Split(' ')[^1];
        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(
            $"source '{script}'; COMP_WORDS=({typed}); COMP_LINE='{typed}'; COMP_POINT=${{#COMP_LINE}};"
            + $" _kv kv '{word}'; printf '%s\\n' \"${{COMPREPLY[@]}}\" | sort | paste -sd' '");
        start.Environment["PATH"] = $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        return output.Trim();
    }
}
