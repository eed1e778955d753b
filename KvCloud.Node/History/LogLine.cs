namespace KvCloud.Node.History;

/// <summary>A line that this node has logged.</summary>
internal sealed class LogLine(LogLevel level, string category, EventId id, string message, string? exception)
    : HistoryItem
{
    private const int OverheadBytes = 160;

    public LogLevel Level => level;

    public string Category => category;

    public EventId Id => id;

    public string Message => message;

    public string? Exception => exception;

    public override int SizeBytes => OverheadBytes + (2 * (message.Length + (exception?.Length ?? 0)));
}
