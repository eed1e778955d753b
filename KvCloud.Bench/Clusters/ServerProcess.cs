using System.ComponentModel;
using System.Diagnostics;
using KvCloud.LocalCluster;

namespace KvCloud.Bench.Clusters;

/// <summary>A server other than a KvCloud replica. Its output goes straight to a file, like a replica's.</summary>
internal sealed class ServerProcess(string name, string logPath, Func<ProcessStartInfo> describe)
    : IBenchMember, IAsyncDisposable
{
    private const int LogTailLines = 40;
    private Process? _process;

    public string Name => name;

    public int Pid => _process?.Id ?? throw new InvalidOperationException($"{name} was not started");

    private bool IsRunning => _process is { HasExited: false };

    public void Start()
    {
        if (IsRunning)
        {
            throw new InvalidOperationException($"{name} is already running");
        }

        ProcessStartInfo info = describe();
        info.RedirectStandardInput = true;
        OutputFile.Redirect(info, logPath);
        _process?.Dispose();
        try
        {
            _process = Process.Start(info) ?? throw new BenchException($"{name} did not start");
        }
        catch (Win32Exception failure)
        {
            throw new BenchException($"{name} could not be started: {failure.Message}", failure);
        }
    }

    public async Task KillAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
    }

    public void ThrowIfNotRunning()
    {
        if (!IsRunning)
        {
            throw new BenchException($"{name} ended with code {_process?.ExitCode}. Its last lines:\n{LogTail()}");
        }
    }

    public string LogTail() => string.Join('\n', OutputFile.LastLines(logPath, LogTailLines));

    public async ValueTask DisposeAsync()
    {
        await KillAsync().ConfigureAwait(false);
        _process?.Dispose();
    }
}
