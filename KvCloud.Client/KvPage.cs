namespace KvCloud.Client;

/// <summary>One page of a range.</summary>
/// <param name="Rows">In key order.</param>
/// <param name="HasMore">Whether there are rows behind it; then this page is not empty.</param>
/// <param name="Version">The moment that was read; 0 from an older server.</param>
internal readonly record struct KvPage(KvEntry[] Rows, bool HasMore, long Version);
