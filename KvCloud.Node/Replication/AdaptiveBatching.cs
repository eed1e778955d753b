namespace KvCloud.Node.Replication;

/// <summary>
/// Group commit of proposals: decides whether waiting writes are proposed now, or a moment later together with more.
/// Clients whose writes shared a slot are answered together and send their next writes one after another. Proposing the
/// first of those at once would produce many small slots, and one slot costs as much as ten writes or more.
/// </summary>
/// <remarks>
/// The target is the average size of the last two batches. Writes wait for it no longer than the limit, and not at all
/// when recent batches held a single write. Owned by the consensus worker.
/// </remarks>
internal sealed class AdaptiveBatching(IReplicaClock clock, TimeSpan limit)
{
    private readonly long _limitUs = (long)limit.TotalMicroseconds;
    private int _last = 1;
    private int _beforeLast = 1;
    private long _waitingSinceUs;
    private bool _isWaiting;
    private bool _isQuiet = true;

    /// <summary>With this many writes the batch is proposed without waiting for more.</summary>
    public int TargetSize => (_last + _beforeLast) / 2;

    /// <summary>Writes in the most recently proposed batch.</summary>
    public int LastSize => _last;

    /// <summary>Called whenever writes could be proposed; the limit counts from the first such call.</summary>
    public bool ShouldWait(int waiting)
    {
        if (waiting >= TargetSize)
        {
            return false;
        }

        if (!_isWaiting)
        {
            _isWaiting = true;
            _waitingSinceUs = clock.NowUs;
        }

        return clock.NowUs - _waitingSinceUs < _limitUs;
    }

    public void NoteProposed(int count)
    {
        _beforeLast = _last;
        _last = count;
        _isWaiting = false;
        _isQuiet = false;
    }

    /// <summary>
    /// Called periodically while nothing waits and nothing is in flight. If nothing was proposed since the previous
    /// call, the next write is proposed alone.
    /// </summary>
    public void NoteIdle()
    {
        if (_isQuiet)
        {
            _last = 1;
            _beforeLast = 1;
        }

        _isQuiet = true;
    }
}
