using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Stops the node after a fatal error and remembers the exit code that Program returns. The first error wins. If the
/// graceful stop hangs, as it may in a broken node, the process exits anyway.
/// </summary>
internal sealed partial class FatalStop(
    IHostApplicationLifetime lifetime, TimeProvider time, ILogger<FatalStop> logger, Action<int>? exit = null)
    : IDisposable
{
    /// <summary>How long a graceful stop may take.</summary>
    public static readonly TimeSpan GracefulStopTimeout = TimeSpan.FromSeconds(10);

    private readonly Action<int> _exit = exit ?? Environment.Exit;
    private int _exitCode;
    private string? _reason;
    private ITimer? _watchdog;

    /// <summary>The exit code that Program returns: <see cref="ExitCodes.Clean"/> unless an error was fatal.</summary>
    public int ExitCode => Volatile.Read(ref _exitCode);

    /// <summary>
    /// Callable from any thread, any number of times; returns immediately. A reason that is told again and again, as by
    /// each peer that refuses a node which was removed, is logged once.
    /// </summary>
    /// <param name="exitCode">Nonzero; see <see cref="ExitCodes"/>.</param>
    /// <param name="reason">A sentence for the log.</param>
    public void Stop(int exitCode, string reason, Exception? exception = null)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(exitCode, ExitCodes.Clean);
        if (Interlocked.Exchange(ref _reason, reason) != reason || exception is not null)
        {
            StoppingFor(logger, exception, reason);
        }

        if (Interlocked.CompareExchange(ref _exitCode, exitCode, ExitCodes.Clean) == ExitCodes.Clean)
        {
            _watchdog = time.CreateTimer(_ => _exit(exitCode), null, GracefulStopTimeout, Timeout.InfiniteTimeSpan);
            lifetime.StopApplication();
        }
    }

    public void Dispose() => _watchdog?.Dispose();

    [LoggerMessage(1030, LogLevel.Critical, "stopping: {Reason}")]
    private static partial void StoppingFor(ILogger logger, Exception? exception, string reason);
}
