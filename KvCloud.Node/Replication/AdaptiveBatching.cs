namespace KvCloud.Node.Replication;

/// <summary>
/// Group commit of proposals: says whether writes that wait are proposed now or a moment later with more. Clients whose
/// writes shared a slot are answered together and come again one after the other; who proposed the first of them at
/// once would make many small slots of them, and a slot's own cost is that of ten writes and more.
/// </summary>
/// <remarks>
/// The target is the average size of the last two batches. Writes wait for it no longer than the limit, and where
/// recent batches held a single write they do not wait at all. Owned by the consensus worker.
/// </remarks>
internal sealed class AdaptiveBatching(IReplicaClock clock, TimeSpan limit)
{
    private readonly long _limitUs = (long)limit.TotalMicroseconds;
    private int _last = 1;
    private int _beforeLast = 1;
    private long _waitingSinceUs;
    private bool _isWaiting;
    private bool _isQuiet = true;

    /// <summary>Writes that are proposed without waiting for more.</summary>
    public int TargetSize => (_last + _beforeLast) / 2;

    /// <summary>Writes in the batch that was proposed last.</summary>
    public int LastSize => _last;

    /// <summary>
    /// To be asked whenever the writes could be proposed; the limit counts from the first of these moments.
    /// </summary>
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

    /// <summary>A batch of this many writes was proposed.</summary>
    public void NoteProposed(int count)
    {
        _beforeLast = _last;
        _last = count;
        _isWaiting = false;
        _isQuiet = false;
    }

    /// <summary>
    /// To be called now and then while nothing waits and nothing is in flight. If nothing was proposed since the last
    /// call either, the next write is proposed alone.
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
