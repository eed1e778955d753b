using KvCloud.Node.Configuration;
using KvCloud.Node.History;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;

namespace KvCloud.Node.Diagnostics;

/// <summary>Sets up logging so that a blocked output never blocks the node.</summary>
internal static class NodeLogging
{
    /// <summary>
    /// Lines that may wait for standard output. Further lines are dropped, and their number is logged.
    /// </summary>
    public const int MaxQueuedLines = 2048;

    /// <summary>
    /// Replaces the logging providers with the node's own memory of its last lines and a console that never blocks its
    /// callers: a dedicated thread writes, and while standard output is blocked (a full pipe that nobody reads), lines
    /// are dropped. Must be called before AddServiceDefaults, which adds OTLP.
    /// </summary>
    public static ILoggingBuilder AddNodeLogging(this ILoggingBuilder logging, LoggingOptions options)
    {
        LogLevel level = LevelOf(options.LogLevel);
        logging.ClearProviders();
        logging.SetMinimumLevel(level);

        // Frameworks log too much at info, for instance a line per health request.
        LogLevel frameworks = level < LogLevel.Information ? level : Max(level, LogLevel.Warning);
        logging.AddFilter("Microsoft", frameworks);
        logging.AddFilter("System", frameworks);

        // This category logs an error for each /health that is not 200, which is every one until there is a leader. The
        // answer itself says why.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        // Program reports in one sentence what kept the host from starting.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level =>
            level == LogLevel.Critical && frameworks <= LogLevel.Critical);
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.AddConsole(console =>
        {
            console.FormatterName = NodeConsoleFormatter.FormatterName;
            console.MaxQueueLength = MaxQueuedLines;
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
        logging.Services.TryAddSingleton<LogHistory>();
        logging.Services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<LogHistory>());
        logging.AddConsoleFormatter<NodeConsoleFormatter, ConsoleFormatterOptions>();
        return logging;
    }

    private static LogLevel LevelOf(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.None,
    };

    private static LogLevel Max(LogLevel left, LogLevel right) => left > right ? left : right;
}
