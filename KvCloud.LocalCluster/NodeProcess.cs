using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>
/// One replica as a child process. A single supervisor loop starts the process, forwards its output, waits for its end,
/// and restarts it if configured. Thread-safe.
/// </summary>
internal sealed class NodeProcess(Replica replica, ProcessClusterOptions options, Func<ProcessStartInfo> startInfo)
    : IAsyncDisposable
{
    /// <summary>
    /// KvCloud.Node exits with this code if its configuration is invalid; a restart would fail the same way.
    /// </summary>
    private const int ConfigurationMistake = 2;

    /// <summary>
    /// Buffered output of a process arrives at once when it ends, unless another process holds the other end of its
    /// pipe.
    /// </summary>
    private static readonly TimeSpan OutputDrain = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly LogTail _tail = new(options.TailLines);
    private CancellationTokenSource _stop = new();
    private Task _supervisor = Task.CompletedTask;
    private TaskCompletionSource _gone = Completed();
    private Process? _process;
    private NodeState _state = NodeState.Stopped;
    private int? _lastExitCode;

    public Replica Replica => replica;

    /// <summary>The last lines of the process's output.</summary>
    public IReadOnlyList<string> Tail => options.OutputFile is { } file
        ? OutputFile.LastLines(file(replica), options.TailLines)
        : _tail.Lines();

    public NodeState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>Id of the running process; null if none runs.</summary>
    public int? ProcessId
    {
        get
        {
            lock (_lock)
            {
                return _process?.Id;
            }
        }
    }

    /// <summary>Exit code of the last process that ended; 128 + the signal number if a signal ended it.</summary>
    public int? LastExitCode
    {
        get
        {
            lock (_lock)
            {
                return _lastExitCode;
            }
        }
    }

    /// <exception cref="InvalidOperationException">The process is already started.</exception>
    public void Start()
    {
        lock (_lock)
        {
            if (_state is NodeState.Running or NodeState.Pausing)
            {
                throw new InvalidOperationException($"{replica.Name} is already started.");
            }

            _stop.Dispose();
            _stop = new CancellationTokenSource();
            _supervisor = SuperviseAsync(Launch(), _stop.Token);
        }
    }

    /// <summary>
    /// Sends SIGKILL before this returns; completes when the process is gone and <see cref="State"/> is up to date.
    /// </summary>
    public Task KillAsync()
    {
        lock (_lock)
        {
            _process?.Kill();
            return _gone.Task;
        }
    }

    /// <summary>SIGSTOP: the process keeps its sockets but does not run.</summary>
    public void Pause() => SignalRunning(UnixSignals.Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => SignalRunning(UnixSignals.Continue);

    /// <summary>
    /// Sends SIGTERM, waits, and kills the process if it takes longer than the options allow. It is not restarted.
    /// </summary>
    public async Task StopAsync(bool atOnce = false)
    {
        Task supervisor, gone;
        lock (_lock)
        {
            _stop.Cancel();
            supervisor = _supervisor;
            gone = _gone.Task;
            AskToEnd(atOnce);
        }

        try
        {
            await gone.WaitAsync(options.StopTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Tell(isAskedFor: false, string.Create(
                CultureInfo.InvariantCulture,
                $"did not stop within {options.StopTimeout.TotalSeconds:0} s; killed"));
            await KillAsync().ConfigureAwait(false);
        }

        await supervisor.ConfigureAwait(false);
        lock (_lock)
        {
            // Unless the process was started again in the meantime.
            _state = _supervisor == supervisor ? NodeState.Stopped : _state;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(atOnce: true).ConfigureAwait(false);
        _stop.Dispose();
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }

    /// <summary>Requires the lock.</summary>
    private void AskToEnd(bool atOnce)
    {
        if (_process is not { } process)
        {
            return;
        }

        if (atOnce || !UnixSignals.Supported)
        {
            process.Kill();
            return;
        }

        // A paused process would handle SIGTERM only once it is resumed. A process that has just ended needs neither.
        if (!process.HasExited && UnixSignals.Send(process.Id, UnixSignals.Terminate))
        {
            UnixSignals.Send(process.Id, UnixSignals.Continue);
        }
    }

    private void SignalRunning(int signal)
    {
        lock (_lock)
        {
            if (_process is not { HasExited: false } process || !UnixSignals.Send(process.Id, signal))
            {
                throw new InvalidOperationException($"{replica.Name} is not running.");
            }
        }
    }

    /// <summary>Requires the lock.</summary>
    private Process Launch()
    {
        var process = new Process { StartInfo = startInfo() };
        try
        {
            process.Start();
        }
        catch
        {
            process.Dispose();
            throw;
        }

        process.StandardInput.Close();
        _process = process;
        _state = NodeState.Running;
        _gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return process;
    }

    private async Task SuperviseAsync(Process first, CancellationToken stop)
    {
        var delay = new RestartDelay();
        Process? process = first;
        // Callers hold the lock up to here; the code below runs callbacks.
        await Task.Yield();
        while (process is not null)
        {
            Tell(process == first, string.Create(CultureInfo.InvariantCulture, $"started as process {process.Id}"));
            long started = Stopwatch.GetTimestamp();
            int exitCode = await RunToEndAsync(process).ConfigureAwait(false);
            NodeState state = stop.IsCancellationRequested ? NodeState.Stopped
                : !options.RestartCrashed || exitCode is 0 or ConfigurationMistake ? NodeState.Ended
                : NodeState.Pausing;
            NoteGone(exitCode, state);
            if (state == NodeState.Stopped)
            {
                Tell(isAskedFor: true, $"stopped with {Describe(exitCode)}");
                return;
            }

            if (state == NodeState.Ended)
            {
                Tell(isAskedFor: false, $"exited unexpectedly with {Describe(exitCode)} and stays down");
                return;
            }

            TimeSpan pause = delay.After(Stopwatch.GetElapsedTime(started));
            Tell(isAskedFor: false, string.Create(
                CultureInfo.InvariantCulture,
                $"exited unexpectedly with {Describe(exitCode)}; restarting in {pause.TotalSeconds:0} s"));
            await Task.Delay(pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            process = LaunchAgain(stop);
        }
    }

    /// <summary>Null if a restart is no longer wanted or not possible.</summary>
    private Process? LaunchAgain(CancellationToken stop)
    {
        try
        {
            lock (_lock)
            {
                return stop.IsCancellationRequested ? null : Launch();
            }
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidOperationException)
        {
            SetState(NodeState.Ended);
            Tell(isAskedFor: false, $"cannot be restarted: {e.Message}");
            return null;
        }
    }

    /// <summary>Forwards the process's output until the process is gone.</summary>
    private async Task<int> RunToEndAsync(Process process)
    {
        Task output = process.StartInfo.RedirectStandardOutput
            ? Task.WhenAll(PumpAsync(process.StandardOutput), PumpAsync(process.StandardError))
            : Task.CompletedTask;
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_lock)
        {
            // The child has been reaped: its id may now belong to another process, so send it no more signals.
            _process = null;
        }

        await Task.WhenAny(output, Task.Delay(OutputDrain)).ConfigureAwait(false);
        int exitCode = process.ExitCode;
        process.Dispose();
        return exitCode;
    }

    /// <summary>
    /// From here on, a caller that waited for the end may start the process again, unless the supervisor restarts it.
    /// </summary>
    private void NoteGone(int exitCode, NodeState state)
    {
        TaskCompletionSource gone;
        lock (_lock)
        {
            _lastExitCode = exitCode;
            _state = state;
            gone = _gone;
        }

        gone.SetResult();
    }

    private async Task PumpAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                _tail.Add(line);
                options.OnLine?.Invoke(replica, line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            _tail.Add($"(reading its output failed: {e.Message})");
        }
    }

    private void Tell(bool isAskedFor, string sentence) =>
        options.OnEvent?.Invoke(new NodeEvent(replica, isAskedFor, sentence));

    private void SetState(NodeState state)
    {
        lock (_lock)
        {
            _state = state;
        }
    }

    private static string Describe(int exitCode) => exitCode switch
    {
        128 + UnixSignals.Kill => "signal 9 (killed)",
        128 + UnixSignals.Terminate => "signal 15 (terminated)",
        > 128 and < 160 when UnixSignals.Supported =>
            string.Create(CultureInfo.InvariantCulture, $"signal {exitCode - 128}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"exit code {exitCode}"),
    };
}
