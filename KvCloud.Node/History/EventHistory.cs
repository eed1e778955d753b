namespace KvCloud.Node.History;

/// <summary>The newest events of this replica, for /events.</summary>
internal sealed class EventHistory(TimeProvider time)
{
    public const int MaxEvents = 1_024;

    public const int MaxBytes = 1024 * 1024;

    private readonly HistoryRing<NodeEvent> _ring = new(MaxEvents, MaxBytes, time);

    public void Add(NodeEvent what) => _ring.Add(what);

    public HistoryPage<NodeEvent> Read(long? after, int limit) => _ring.Read(after, limit);
}
