using KvCloud.Node.History;

namespace KvCloud.Node.Diagnostics;

/// <summary>The answer at /logs.</summary>
/// <param name="Next">What to ask for next: /logs?after=Next.</param>
/// <param name="Dropped">How many more there were, which this replica no longer has.</param>
internal sealed record LogsAnswer(int NodeId, long Next, long Dropped, IReadOnlyList<LogLineAnswer> Lines)
{
    public static LogsAnswer Of(int nodeId, in HistoryPage<LogLine> page) => new(
        nodeId,
        page.Next,
        page.Dropped,
        [
            .. page.Items.Select(line => new LogLineAnswer(
                line.Sequence,
                line.Time,
                LogLevels.NameOf(line.Level),
                line.Category,
                line.Id.Id,
                line.Id.Name,
                line.Message,
                line.Exception)),
        ]);
}

/// <summary>One line of the log.</summary>
/// <param name="EventId">With the category, what kind of line it is.</param>
internal sealed record LogLineAnswer(
    long Sequence,
    DateTimeOffset Time,
    string Level,
    string Category,
    int EventId,
    string? EventName,
    string Message,
    string? Exception);
