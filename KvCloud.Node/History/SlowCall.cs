namespace KvCloud.Node.History;

/// <summary>A call that took longer than the threshold. Holds no value.</summary>
/// <param name="code">The error code that it was answered with; OK if it succeeded.</param>
/// <param name="remote">Where it came from.</param>
internal sealed class SlowCall(string method, string code, TimeSpan duration, string remote) : HistoryItem
{
    private const int OverheadBytes = 240;

    public string Method => method;

    public string Code => code;

    public TimeSpan Duration => duration;

    public string Remote => remote;

    /// <summary>Who had logged in; null for nobody.</summary>
    public string? User { get; init; }

    /// <summary>Keys that it named.</summary>
    public int Keys { get; init; }

    public string? ColumnFamily { get; init; }

    /// <summary>The first key, or as much of it as is kept; null if it named none.</summary>
    public byte[]? FirstKey { get; init; }

    /// <summary>Null if it was not traced.</summary>
    public string? TraceId { get; init; }

    public override int SizeBytes => OverheadBytes + (FirstKey?.Length ?? 0) + (2 * (ColumnFamily?.Length ?? 0));
}
