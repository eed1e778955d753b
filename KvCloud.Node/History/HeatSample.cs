namespace KvCloud.Node.History;

/// <summary>A key that a sampled call named.</summary>
/// <param name="Key">Or as much of it as is kept.</param>
internal readonly record struct HeatSample(string ColumnFamily, byte[] Key, bool IsWrite) : IComparable<HeatSample>
{
    public int CompareTo(HeatSample other)
    {
        int byFamily = string.CompareOrdinal(ColumnFamily, other.ColumnFamily);
        return byFamily != 0 ? byFamily : Key.AsSpan().SequenceCompareTo(other.Key);
    }
}
