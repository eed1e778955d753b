using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// If KVCLOUD_PARENT_PID names the process that started this one, this one stops gracefully once that process is gone,
/// so that a killed orchestrator leaves nothing behind.
/// </summary>
public sealed partial class ParentWatch(
    IConfiguration configuration, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ParentWatch> logger)
    : BackgroundService
{
    /// <summary>Environment variable with the id of the process that started this one.</summary>
    public const string ProcessVariable = "KVCLOUD_PARENT_PID";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? text = configuration[ProcessVariable];
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
        {
            return;
        }

        DateTime? started = StartOf(pid);
        using PeriodicTimer timer = new(Interval, time);
        while (started is not null && StartOf(pid) == started)
        {
            await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false);
        }

        ParentGone(logger, pid);
        lifetime.StopApplication();
    }

    /// <summary>The process's start time, which detects a reused id; null if the process is gone or a zombie.</summary>
    private static DateTime? StartOf(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return IsZombie(pid) ? null : process.StartTime;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException
            or System.ComponentModel.Win32Exception)
        {
            // .NET throws this if there is no such process.
            return null;
        }
    }

    /// <summary>A process that ended but was not waited for still has its id.</summary>
    private static bool IsZombie(int pid)
    {
        string file = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat");
        try
        {
            // The state follows the last parenthesis of "1234 (name) S ..."; the name may contain parentheses too.
            string stat = File.Exists(file) ? File.ReadAllText(file) : "";
            int name = stat.LastIndexOf(')');
            return name >= 0 && name + 2 < stat.Length && stat[name + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            // The process ended between the two calls; the next check will not find it.
            return false;
        }
    }

    [LoggerMessage(1040, LogLevel.Warning, "process {Pid}, which started this one, is gone: stopping")]
    private static partial void ParentGone(ILogger logger, int pid);
}
