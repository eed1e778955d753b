namespace KvCloud.Node.History;

/// <summary>What a <see cref="HistoryRing{T}"/> keeps. Not changed after it was added.</summary>
internal abstract class HistoryItem
{
    /// <summary>Given by the ring.</summary>
    public long Sequence { get; set; }

    /// <summary>When it was added; given by the ring.</summary>
    public DateTimeOffset Time { get; set; }

    /// <summary>About how much memory it takes.</summary>
    public abstract int SizeBytes { get; }
}
