using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Stops the node for a reason it cannot go on with, and remembers the exit code that Program returns. The first reason
/// counts. If stopping hangs, which a broken node may well do, the process ends anyway.
/// </summary>
internal sealed partial class FatalStop(
    IHostApplicationLifetime lifetime, TimeProvider time, ILogger<FatalStop> logger, Action<int>? exit = null)
    : IDisposable
{
    /// <summary>How long a gentle stop may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Action<int> _exit = exit ?? Environment.Exit;
    private int _exitCode;
    private ITimer? _watchdog;

    /// <summary>What Program returns: <see cref="ExitCodes.Clean"/> unless something was fatal.</summary>
    public int ExitCode => Volatile.Read(ref _exitCode);

    /// <summary>Any thread may call, any number of times; it returns at once.</summary>
    /// <param name="exitCode">Not zero; see <see cref="ExitCodes"/>.</param>
    /// <param name="reason">A sentence for the log.</param>
    public void Stop(int exitCode, string reason, Exception? exception = null)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(exitCode, ExitCodes.Clean);
        StoppingFor(logger, exception, reason);
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, ExitCodes.Clean) == ExitCodes.Clean)
        {
            _watchdog = time.CreateTimer(_ => _exit(exitCode), null, Patience, Timeout.InfiniteTimeSpan);
            lifetime.StopApplication();
        }
    }

    public void Dispose() => _watchdog?.Dispose();

    [LoggerMessage(30, LogLevel.Critical, "stopping: {Reason}")]
    private static partial void StoppingFor(ILogger logger, Exception? exception, string reason);
}
