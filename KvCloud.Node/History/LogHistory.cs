namespace KvCloud.Node.History;

/// <summary>The newest lines of the log, for /logs: what the levels and filters of logging let through.</summary>
internal sealed class LogHistory(TimeProvider time) : ILoggerProvider
{
    public const int MaxLines = 2_048;

    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>What is longer is cut off.</summary>
    public const int MaxLineLength = 8_192;

    private readonly HistoryRing<LogLine> _ring = new(MaxLines, MaxBytes, time);

    public ILogger CreateLogger(string categoryName) => new Writer(categoryName, _ring);

    public HistoryPage<LogLine> Read(long? after, int limit, LogLevel least) =>
        _ring.Read(after, limit, line => line.Level >= least);

    public void Dispose()
    {
    }

    private static string Cut(string text) =>
        text.Length <= MaxLineLength ? text : string.Concat(text.AsSpan(0, MaxLineLength), "…");

    private sealed class Writer(string category, HistoryRing<LogLine> ring) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            ring.Add(new LogLine(
                logLevel,
                category,
                eventId,
                Cut(formatter(state, exception)),
                exception is null ? null : Cut(exception.ToString())));
    }
}
