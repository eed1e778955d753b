namespace KvCloud.Node.History;

/// <summary>A part of a history, oldest first.</summary>
/// <param name="Next">What to read after next, to miss nothing and to see nothing twice.</param>
/// <param name="Dropped">How many that would belong here were dropped to keep the history within its limits.</param>
internal readonly record struct HistoryPage<T>(IReadOnlyList<T> Items, long Next, long Dropped);
