using KvCloud.Node.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;

namespace KvCloud.Node.Diagnostics;

/// <summary>Where log lines go, and what happens when nobody takes them.</summary>
internal static class NodeLogging
{
    /// <summary>
    /// Lines that may wait for standard output. What comes on top is dropped, and the number dropped is told.
    /// </summary>
    public const int MaxQueuedLines = 2048;

    /// <summary>
    /// Replaces the logging providers by a console that never makes its callers wait: a thread of its own writes, and
    /// when standard output is blocked (a full pipe that nobody reads) lines are dropped instead of the node hanging.
    /// Call it before AddServiceDefaults, which adds OTLP.
    /// </summary>
    public static ILoggingBuilder AddNodeLogging(this ILoggingBuilder logging, LoggingOptions options)
    {
        LogLevel level = LevelOf(options.LogLevel);
        logging.ClearProviders();
        logging.SetMinimumLevel(level);

        // The frameworks are chatty at info, for instance a line for each health request.
        LogLevel frameworks = level < LogLevel.Information ? level : Max(level, LogLevel.Warning);
        logging.AddFilter("Microsoft", frameworks);
        logging.AddFilter("System", frameworks);

        // It logs an error for each /health that is not 200, as every one is until there is a leader; the answer says
        // it.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        // What keeps the host from starting is said in one sentence at the end of the program.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level =>
            level == LogLevel.Critical && frameworks <= LogLevel.Critical);
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.AddConsole(console =>
        {
            console.FormatterName = NodeConsoleFormatter.FormatterName;
            console.MaxQueueLength = MaxQueuedLines;
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
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
