namespace KvCloud.Node.History;

/// <summary>Something that an operator wants to know of, as this replica saw it.</summary>
/// <param name="type">One of <see cref="EventTypes"/>.</param>
/// <param name="severity">info, warning or error.</param>
/// <param name="message">A sentence for people.</param>
internal sealed class NodeEvent(string type, string severity, string message) : HistoryItem
{
    private const int OverheadBytes = 160;

    public string Type => type;

    public string Severity => severity;

    public string Message => message;

    /// <summary>Whom it is about; null where that is the whole group.</summary>
    public int? NodeId { get; init; }

    /// <summary>The round of the leader's ballot.</summary>
    public long? Term { get; init; }

    public long? Slot { get; init; }

    public override int SizeBytes => OverheadBytes + (2 * message.Length);
}
