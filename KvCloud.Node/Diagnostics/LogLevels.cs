namespace KvCloud.Node.Diagnostics;

/// <summary>The names of levels of the log, as in <c>[logging] log_level</c>.</summary>
internal static class LogLevels
{
    public static readonly IReadOnlyList<string> Names = ["trace", "debug", "info", "warn", "error", "critical"];

    public static string NameOf(LogLevel level) => Names[Math.Min((int)level, Names.Count - 1)];

    /// <summary>The level of a name; none for any other text.</summary>
    public static LogLevel Of(string name)
    {
        int index = Names.ToList().IndexOf(name);
        return index < 0 ? LogLevel.None : (LogLevel)index;
    }
}
