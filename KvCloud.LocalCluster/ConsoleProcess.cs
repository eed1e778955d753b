using System.Diagnostics;
using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>
/// The console of a cluster as a child process. It is a window on the cluster, not a part of it: its end is told, and
/// it is not started again.
/// </summary>
internal sealed class ConsoleProcess : IAsyncDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly Task _output;
    private readonly LogTail _tail = new(ProcessClusterOptions.DefaultTailLines);
    private readonly Action<string>? _onLine;
    private volatile bool _isStopped;

    private ConsoleProcess(Process process, Uri address, Action<string>? onLine)
    {
        _process = process;
        _onLine = onLine;
        Address = address;
        process.StandardInput.Close();
        _output = Task.WhenAll(PumpAsync(process.StandardOutput), PumpAsync(process.StandardError));
        Ended = WaitForEndAsync();
    }

    /// <summary>Where a browser finds it.</summary>
    public Uri Address { get; }

    /// <summary>Its exit code and the last lines it printed; null if it was stopped.</summary>
    public Task<string?> Ended { get; }

    /// <summary>Starts it; it answers later: <see cref="WaitUntilItAnswersAsync"/>.</summary>
    /// <param name="topology">Has a <see cref="Topology.ConsolePort"/>.</param>
    /// <param name="onLine">Called for every line of its output, from any thread.</param>
    /// <exception cref="LocalClusterException">The program was not found, or there is no port for it.</exception>
    public static ConsoleProcess Start(Topology topology, Action<string>? onLine = null)
    {
        Uri address = topology.ConsoleAddress
            ?? throw new LocalClusterException("This cluster has no port for a console.");
        Process process = Process.Start(ConsoleProgram.StartInfo(topology, address))
            ?? throw new LocalClusterException("The console's process did not start.");
        return new ConsoleProcess(process, address, onLine);
    }

    /// <summary>False if it has ended before it answered.</summary>
    public async Task<bool> WaitUntilItAnswersAsync(CancellationToken cancellationToken)
    {
        // On this machine; a proxy from the environment must not be used.
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = ProbeTimeout };
        while (!Ended.IsCompleted)
        {
            try
            {
                using HttpResponseMessage answer = await http
                    .GetAsync(new Uri(Address, "/alive"), cancellationToken).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode)
                {
                    return true;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // It has accepted and not answered yet.
            }

            await Task.Delay(ProbeInterval, cancellationToken).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>It has nothing to lose: it is killed.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopped = true;
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await Ended.ConfigureAwait(false);
        _process.Dispose();
    }

    private async Task<string?> WaitForEndAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        await _output.ConfigureAwait(false);
        return _isStopped ? null : string.Create(
            CultureInfo.InvariantCulture, $"exit code {_process.ExitCode}\n{string.Join('\n', _tail.Lines())}");
    }

    private async Task PumpAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            _tail.Add(line);
            _onLine?.Invoke(line);
        }
    }
}
