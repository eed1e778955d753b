using System.Globalization;
using System.Text.Json;

namespace KvCloud.Cli.Tail;

/// <summary>An event or a log line of a node.</summary>
/// <param name="Node">The node that tells it.</param>
/// <param name="Type">The event's type, or the log line's category.</param>
internal sealed record TailLine(
    int Node, long Sequence, DateTimeOffset Time, string Level, string Type, string Message)
{
    /// <summary>Of an item at /events or /logs.</summary>
    public static TailLine Of(int node, JsonElement item) => new(
        node,
        item.GetProperty("sequence").GetInt64(),
        item.GetProperty("time").GetDateTimeOffset(),
        Text(item, "severity") ?? Text(item, "level") ?? "",
        Text(item, "type") ?? Text(item, "category") ?? "",
        (Text(item, "message") ?? "") + (Text(item, "exception") is { } exception ? " | " + exception : ""));

    public string ToText() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}\tnode-{Node}\t{Level}\t{Type}\t{OneLine(Message)}");

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("time", Time);
        writer.WriteNumber("node", Node);
        writer.WriteNumber("sequence", Sequence);
        writer.WriteString("level", Level);
        writer.WriteString("type", Type);
        writer.WriteString("message", Message);
    }

    private static string? Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static string OneLine(string text) =>
        text.ReplaceLineEndings(" | ").Replace('\t', ' ');
}
