namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// A window over the chunks of a file or manifest: which were requested, which have arrived, and which is due next. One
/// thread.
/// </summary>
internal sealed class ChunkWindow(long lengthBytes, int chunkBytes, int maxInFlight, int resendMs)
{
    /// <summary>The offsets of chunks in flight, and when each was last requested.</summary>
    private readonly SortedDictionary<long, long> _askedAtMs = [];
    private long _next;

    public bool IsComplete => _next >= lengthBytes && _askedAtMs.Count == 0;

    /// <summary>The offset of a chunk to request now; null if none is due.</summary>
    public long? NextDue(long nowMs)
    {
        foreach ((long offset, long askedAtMs) in _askedAtMs)
        {
            if (nowMs - askedAtMs >= resendMs)
            {
                return offset;
            }
        }

        return _next < lengthBytes && _askedAtMs.Count < maxInFlight ? _next : null;
    }

    public int CountAt(long offset) => (int)Math.Min(chunkBytes, lengthBytes - offset);

    public void NoteAsked(long offset, long nowMs)
    {
        _askedAtMs[offset] = nowMs;
        if (offset == _next)
        {
            _next += CountAt(offset);
        }
    }

    /// <summary>Takes a chunk that has arrived; false if it was not in flight, such as a duplicate.</summary>
    public bool TryTake(long offset, int count) => CountAt(offset) == count && _askedAtMs.Remove(offset);
}
