using System.Text;
using KvCloud.Cli;

namespace KvCloud.Tests.Cli;

/// <summary>A command of `kv` that ran in this process: its exit code, results and messages.</summary>
internal sealed record KvRun(int Code, string Text, string Error)
{
    /// <summary>Without a configuration file, whatever this machine has.</summary>
    public static Task<KvRun> Async(params string[] arguments) => WithInputAsync("", arguments);

    public static async Task<KvRun> WithInputAsync(string input, params string[] arguments)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        var console = KvConsole.ForStreams(new MemoryStream(Encoding.UTF8.GetBytes(input)), output, error);
        int code = await KvProgram.RunAsync(arguments, console, CancellationToken.None);
        return new KvRun(code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }
}
