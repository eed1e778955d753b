using System.Diagnostics;
using System.Globalization;
using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Where KVCLOUD_PARENT_PID names the process that started this one, the node stops gently once that process is gone:
/// an orchestrator that was killed leaves no replicas behind.
/// </summary>
internal sealed partial class ParentWatch(
    IConfiguration configuration, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<ParentWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? text = configuration[NodeConfiguration.ParentProcessVariable];
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

    /// <summary>
    /// When the process started, for its id may be given to another; null when it is gone or only a zombie.
    /// </summary>
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
            // That is how .NET says that there is no such process.
            return null;
        }
    }

    /// <summary>A process that ended and was not waited for still has its id.</summary>
    private static bool IsZombie(int pid)
    {
        string file = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat");
        try
        {
            // "1234 (name) S ...": the state stands behind the last parenthesis, for a name may hold some too.
            string stat = File.Exists(file) ? File.ReadAllText(file) : "";
            int name = stat.LastIndexOf(')');
            return name >= 0 && name + 2 < stat.Length && stat[name + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            // It ended between the two calls; the next look finds no process.
            return false;
        }
    }

    [LoggerMessage(40, LogLevel.Warning, "process {Pid}, which started this node, is gone: stopping")]
    private static partial void ParentGone(ILogger logger, int pid);
}
