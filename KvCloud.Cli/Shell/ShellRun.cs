using System.CommandLine;

namespace KvCloud.Cli.Shell;

/// <summary>One run of `kv shell`: a line after the other, each a command of `kv` without its name.</summary>
internal sealed class ShellRun(ShellSession session, KvConsole console, string prompt)
{
    private const string Help =
        """
        Each line is a command of kv without its name: get KEY, set KEY VALUE, range --prefix P, status, doctor ...
        Tab completes, the arrows bring back earlier lines, Ctrl-C stops a command, exit or Ctrl-D ends.
        help COMMAND explains one. A line that begins with a space is not remembered.
        """;

    /// <summary>What makes no sense within, or would take the terminal twice.</summary>
    private static readonly string[] Refused = ["shell", "demo", "completion", "bank-worker"];

    private int _code = ExitCode.Ok;

    /// <summary>Reads from the terminal until its end. The exit code.</summary>
    public async Task<int> TypeAsync(CancellationToken cancellationToken)
    {
        var history = new LineHistory(LineHistory.DefaultPath);
        RootCommand root = KvProgram.BuildRoot(new GlobalOptions(), console, session);
        var editor = new LineEditor(prompt, history, (line, at) => Complete(root, line, at));
        console.Out.WriteLine("kv shell: help, or Tab for the commands; exit or Ctrl-D ends.");
        await console.Out.FlushAsync(cancellationToken);
        try
        {
            while (!cancellationToken.IsCancellationRequested
                && editor.ReadLine() is { } line
                && await RunAsync(line, cancellationToken))
            {
                await console.Out.FlushAsync(cancellationToken);
            }
        }
        finally
        {
            history.Save();
        }

        return ExitCode.Ok;
    }

    /// <summary>Runs the lines of standard input. The exit code is that of the last line that failed.</summary>
    public async Task<int> ReadAsync(CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(console.Input, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken) is { } line && await RunAsync(line, cancellationToken))
        {
        }

        return _code;
    }

    /// <summary>The words that the one at a place of a line can become.</summary>
    internal static IReadOnlyList<string> Complete(RootCommand root, string line, int at) =>
        [.. root.Parse(line).GetCompletions(at).Select(one => one.InsertText ?? one.Label)];

    /// <summary>False at the end.</summary>
    private async Task<bool> RunAsync(string line, CancellationToken cancellationToken)
    {
        string[] words;
        try
        {
            words = [.. ShellWords.Of(line)];
        }
        catch (UsageException exception)
        {
            console.WriteError(exception.Message);
            _code = ExitCode.Usage;
            return true;
        }

        switch (words)
        {
            case []:
            case [['#', ..], ..]:
                return true;
            case ["exit" or "quit"]:
                return false;
            case ["help"]:
                console.Out.WriteLine(Help);
                return true;
            case ["help", .. string[] command]:
                words = [.. command, "--help"];
                break;
            case ["kv", .. string[] rest]:
                words = rest;
                break;
        }

        if (words.Length > 0 && Refused.Contains(words[0]))
        {
            console.WriteError($"{words[0]} does not run within kv shell");
            _code = ExitCode.Usage;
            return true;
        }

        int code = await KvProgram.RunAsync(words, console, session, cancellationToken);
        _code = code == ExitCode.Ok ? _code : code;
        return true;
    }
}
