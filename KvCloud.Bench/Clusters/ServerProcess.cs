using System.ComponentModel;
using System.Diagnostics;

namespace KvCloud.Bench.Clusters;

/// <summary>One server under measure: its output goes straight to a file, so that the generator spends nothing on reading it.</summary>
internal sealed class ServerProcess(string name, string logPath, Func<ProcessStartInfo> describe) : IAsyncDisposable
{
    private const int LogTailLines = 40;
    private Process? _process;

    public string Name => name;

    public int Pid => _process?.Id ?? throw new InvalidOperationException($"{name} was not started");

    public bool IsRunning => _process is { HasExited: false };

    public void Start()
    {
        if (IsRunning)
        {
            throw new InvalidOperationException($"{name} runs already");
        }

        var wanted = describe();

        // The shell only points the output at the file and then becomes the server: same process id.
        var info = new ProcessStartInfo("/bin/sh") { WorkingDirectory = wanted.WorkingDirectory, RedirectStandardInput = true };
        info.ArgumentList.Add("-c");
        info.ArgumentList.Add("log=$1; shift; exec \"$@\" >>\"$log\" 2>&1");
        info.ArgumentList.Add("sh");
        info.ArgumentList.Add(logPath);
        info.ArgumentList.Add(wanted.FileName);
        foreach (var argument in wanted.ArgumentList)
        {
            info.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in wanted.Environment)
        {
            info.Environment[key] = value;
        }

        _process?.Dispose();
        try
        {
            _process = Process.Start(info) ?? throw new BenchException($"{name} did not start");
        }
        catch (Win32Exception failure)
        {
            throw new BenchException($"{name} cannot be started: {failure.Message}", failure);
        }
    }

    /// <summary>SIGKILL: what a crash is.</summary>
    public async Task KillAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Throws with the last lines of the log if the server has ended by itself.</summary>
    public void DemandRunning()
    {
        if (!IsRunning)
        {
            throw new BenchException($"{name} ended with code {_process?.ExitCode}. Its last lines:\n{LogTail()}");
        }
    }

    public string LogTail() => File.Exists(logPath)
        ? string.Join('\n', File.ReadLines(logPath).TakeLast(LogTailLines))
        : "(it wrote nothing)";

    public async ValueTask DisposeAsync()
    {
        await KillAsync().ConfigureAwait(false);
        _process?.Dispose();
    }
}
