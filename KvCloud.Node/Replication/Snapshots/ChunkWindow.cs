namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Which chunks of something were asked for, have come, and are to be asked for next. One thread.</summary>
internal sealed class ChunkWindow(long lengthBytes, int chunkBytes, int maxInFlight, int resendMs)
{
    /// <summary>Of the chunks that have not come: their places, and when they were last asked for.</summary>
    private readonly SortedDictionary<long, long> _askedAtMs = [];
    private long _next;

    public bool IsComplete => _next >= lengthBytes && _askedAtMs.Count == 0;

    /// <summary>The place of a chunk that is to be asked for now; null if there is none.</summary>
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

    /// <summary>Whether the chunk was awaited. One that comes again is not.</summary>
    public bool TryTake(long offset, int count) => CountAt(offset) == count && _askedAtMs.Remove(offset);
}
