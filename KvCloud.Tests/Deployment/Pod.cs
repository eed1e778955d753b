using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Tests.Deployment;

/// <summary>One replica as a process of its own, with the environment and the volume of a pod.</summary>
internal sealed class Pod(IReadOnlyDictionary<string, string> environment, string volume) : IDisposable
{
    private readonly ConcurrentQueue<string> _lines = new();
    private Process? _process;

    public IReadOnlyDictionary<string, string> Environment => environment;

    public string Volume => volume;

    public bool HasExited => _process!.HasExited;

    public int ExitCode => _process!.ExitCode;

    /// <summary>All it has written so far.</summary>
    public string Said => string.Join('\n', _lines);

    public void Start(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>SIGTERM, as the kubelet sends it; what runs longer than the grace period is a failure.</summary>
    public async Task StopAsync(long graceSeconds)
    {
        await ToolRun.OutputAsync("kill", "-TERM", _process!.Id.ToString(CultureInfo.InvariantCulture));
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(graceSeconds));
        await _process.WaitForExitAsync(timeout.Token);
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process?.Dispose();
    }

    private void Take(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
        }
    }
}
