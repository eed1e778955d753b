namespace KvCloud.Node.Replication;

/// <summary>
/// Says whether writes that wait to be proposed wait a moment longer for company. Clients whose writes shared a slot are
/// answered together and come again one after the other: who proposed the first of them at once would make many small
/// slots of them, and a slot's own cost is that of ten writes and more.
/// </summary>
/// <remarks>
/// As many as the last two slots held on average are company enough; they wait no longer than the limit, and a write that
/// has come alone of late does not wait at all. Owned by the consensus loop.
/// </remarks>
internal sealed class Gathering(TimeProvider time, TimeSpan limit)
{
    private int _last = 1;
    private int _beforeLast = 1;
    private long _since;
    private bool _hasBegun;
    private bool _isQuiet = true;

    /// <summary>So many writes are proposed at once.</summary>
    public int Company => (_last + _beforeLast) / 2;

    /// <summary>Writes in the slot that was proposed last.</summary>
    public int LastCount => _last;

    /// <summary>To be asked whenever the writes could be proposed; the time counts from the first of these moments.</summary>
    public bool IsWorthWaiting(int waiting)
    {
        if (waiting >= Company)
        {
            return false;
        }

        if (!_hasBegun)
        {
            _hasBegun = true;
            _since = time.GetTimestamp();
        }

        return time.GetElapsedTime(_since) < limit;
    }

    /// <summary>A slot of so many writes was proposed.</summary>
    public void NoteProposed(int count)
    {
        _beforeLast = _last;
        _last = count;
        _hasBegun = false;
        _isQuiet = false;
    }

    /// <summary>
    /// To be called now and then while nothing waits and nothing is in flight. If nothing was proposed since the last call
    /// either, then the next write has no company to wait for.
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
