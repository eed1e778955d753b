using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>The newest log lines of all nodes, in the order of their times.</summary>
public sealed class LogMerge
{
    /// <summary>Lines that are kept of each node.</summary>
    public const int MaxLinesOfNode = 2_000;

    /// <summary>Lines that a page shows: more are not read, and each costs the browser.</summary>
    public const int MaxShown = 300;

    public static readonly IReadOnlyList<string> Levels = ["trace", "debug", "info", "warn", "error", "critical"];

    private readonly SortedDictionary<int, List<NodeLogLine>> _lines = [];
    private readonly Dictionary<int, long> _next = [];

    public long Count => _lines.Values.Sum(lines => (long)lines.Count);

    /// <summary>How many lines the nodes no longer had when they were asked.</summary>
    public long Dropped { get; private set; }

    /// <summary>What the node is to be asked for next; null before its first answer.</summary>
    public long? NextOf(int node) => _next.TryGetValue(node, out long next) ? next : null;

    public void Add(int node, NodeLogs answer)
    {
        if (!_lines.TryGetValue(node, out List<NodeLogLine>? lines))
        {
            _lines[node] = lines = [];
        }

        lines.AddRange(answer.Lines);
        if (lines.Count > MaxLinesOfNode)
        {
            lines.RemoveRange(0, lines.Count - MaxLinesOfNode);
        }

        _next[node] = answer.Next;
        Dropped += answer.Dropped;
    }

    /// <summary>Newest first.</summary>
    /// <param name="node">Null for all.</param>
    /// <param name="level">The least level.</param>
    /// <param name="text">What the line, its category or its exception must contain; null or empty for any.</param>
    public IReadOnlyList<(int Node, NodeLogLine Line)> Newest(int? node, string level, string? text)
    {
        int least = RankOf(level);
        return
        [
            .. _lines
                .Where(one => node is null || one.Key == node)
                .SelectMany(one => one.Value, (one, line) => (Node: one.Key, Line: line))
                .Where(one => RankOf(one.Line.Level) >= least && Contains(one.Line, text))
                .OrderByDescending(one => one.Line.Time)
                .ThenByDescending(one => one.Line.Sequence)
                .Take(MaxShown),
        ];
    }

    private static int RankOf(string level) => Levels.ToList().IndexOf(level);

    private static bool Contains(NodeLogLine line, string? text) => string.IsNullOrEmpty(text)
        || line.Message.Contains(text, StringComparison.OrdinalIgnoreCase)
        || line.Category.Contains(text, StringComparison.OrdinalIgnoreCase)
        || line.Exception?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;
}
