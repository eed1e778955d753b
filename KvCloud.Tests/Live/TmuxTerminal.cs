using System.Diagnostics;
using System.Globalization;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>A real terminal of a fixed size (tmux) in which a program runs; what is on its screen.</summary>
internal sealed class TmuxTerminal : IAsyncDisposable
{
    /// <summary>Stands on the screen when the program has ended, before its exit code.</summary>
    public const string Ended = "[ended with ";

    private const int Width = 140;
    private const int Height = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    private readonly string _socket = "kv-" + Guid.NewGuid().ToString("n");

    public static async Task<TmuxTerminal> StartAsync(string command)
    {
        var terminal = new TmuxTerminal();
        await terminal.TmuxAsync(
            "-f", "/dev/null", "new-session", "-d", "-x", Number(Width), "-y", Number(Height),
            $"{command}; echo \"{Ended}$?]\"; exec sleep 3600");
        return terminal;
    }

    /// <summary>Types keys as tmux names them: text, Enter, Tab, Up, C-c.</summary>
    public Task TypeAsync(params string[] keys) => TmuxAsync(["send-keys", .. keys]);

    public Task<string> ScreenAsync() => TmuxAsync("capture-pane", "-p");

    /// <summary>Waits until the screen is as wanted, and returns it.</summary>
    public async Task<string> UntilAsync(Func<string, bool> isSo, string what)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            string screen = await ScreenAsync();
            if (isSo(screen))
            {
                return screen;
            }

            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"{what}: not on the screen:\n{screen}");
            await Task.Delay(LookInterval);
        }
    }

    public async ValueTask DisposeAsync() => await TmuxAsync("kill-server");

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task<string> TmuxAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("tmux", ["-L", _socket, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["TERM"] = "xterm-256color";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }
}
