namespace KvCloud.Node.History;

/// <summary>Keys from the first to the last, both of which were called, and how often by window.</summary>
/// <param name="Reads">Estimated calls that read, by window.</param>
/// <param name="Writes">Estimated calls that wrote, by window.</param>
internal sealed record HeatRange(
    string ColumnFamily, byte[] FirstKey, byte[] LastKey, IReadOnlyList<long> Reads, IReadOnlyList<long> Writes);
