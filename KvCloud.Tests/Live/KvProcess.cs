using System.Diagnostics;
using System.Text;
using KvCloud.Cli;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>`kv` as a process that runs for a while, and what it has printed.</summary>
internal sealed class KvProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly Action<string> _tell;
    private readonly StringBuilder _printed = new();
    private readonly Task _reading;

    /// <param name="tell">Hears at the end what it has printed.</param>
    public KvProcess(Action<string> tell, params string[] arguments)
    {
        _tell = tell;
        var start = new ProcessStartInfo(DotNet.Host, [Path.Combine(AppContext.BaseDirectory, "kv.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("kv did not start");
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
    }

    public string Printed
    {
        get
        {
            lock (_printed)
            {
                return _printed.ToString();
            }
        }
    }

    /// <summary>Runs a command in this process; its exit code, results and messages.</summary>
    public static async Task<(int Code, string Printed, string Told)> RunAsync(params string[] arguments)
    {
        using var printed = new MemoryStream();
        using var told = new StringWriter();
        int code = await KvProgram.RunAsync(
            arguments, KvConsole.ForStreams(Stream.Null, printed, told), CancellationToken.None);
        return (code, Encoding.UTF8.GetString(printed.ToArray()), told.ToString());
    }

    /// <summary>Waits until something is so, and fails when it is not in time or the process has ended.</summary>
    public async Task UntilAsync(Func<bool> isSo, string what)
    {
        long started = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new TimeoutException($"{what}: not before the end or in time. It printed:\n{Printed}");
            }

            await Task.Delay(50);
        }
    }

    /// <summary>SIGTERM; the exit code.</summary>
    public Task<int> StopAsync()
    {
        Assert.True(UnixSignals.Send(_process.Id, UnixSignals.Terminate));
        return EndAsync();
    }

    /// <summary>SIGKILL.</summary>
    public Task<int> KillAsync()
    {
        _process.Kill();
        return EndAsync();
    }

    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        await _reading.WaitAsync(Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _reading.WaitAsync(Patience);
        _process.Dispose();
        _tell(Printed);
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_printed)
            {
                _printed.Append(line).Append('\n');
            }
        }
    }
}
