using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Reads that wait for a read index and then for its slot to be applied here. Reads that arrive while a read index is
/// in flight share the next one, so each read began before its read index was requested. When a read index is not
/// confirmed, its reads ask again under a new id until their deadline.
/// </summary>
/// <remarks>
/// Any thread may add reads; the consensus worker requests read indexes and passes on their results; the apply worker
/// releases reads. A read that already has its outcome, for example by its deadline, is skipped.
/// </remarks>
internal sealed class ReadQueue(IReplicaClock clock, Func<Slot> appliedSlot)
{
    private const int RetryPauseMs = 20;

    private readonly Lock _gate = new();
    private readonly Lock _unappliedGate = new();
    private readonly SortedDictionary<long, List<PendingRead>> _unapplied = [];
    private int _unappliedCount;
    private bool _isUnappliedClosed;

    // Guarded by the gate.
    private List<PendingRead> _joining = [];
    private bool _isAsking;
    private bool _isClosed;

    // Owned by the consensus worker.
    private List<PendingRead> _asking = [];
    private readonly List<PendingRead> _retrying = [];
    private long _lastId;
    private long _askedSinceBootMs;
    private long _retryAtMs;

    /// <summary>Whether any read waits for a slot to be applied here.</summary>
    public bool IsAnyUnapplied => Volatile.Read(ref _unappliedCount) > 0;

    /// <summary>Whether reads wait for a read index and none is in flight.</summary>
    public bool IsDue
    {
        get
        {
            lock (_gate)
            {
                return _joining.Count > 0 && !_isAsking;
            }
        }
    }

    /// <summary>
    /// Sets where ids begin. An id is never reused, not even after a restart: an old answer must not serve a new read.
    /// </summary>
    public void BeginIdsAbove(long id) => _lastId = id;

    /// <summary>Adds a read that waits for a read index requested after this call.</summary>
    /// <returns>Whether the consensus worker must be woken.</returns>
    public bool Join(PendingRead read)
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _joining.Add(read);
                return _joining.Count == 1 && !_isAsking;
            }
        }

        read.Finish(new ReadOutcome(ReadStatus.NotConfirmed, Slot.Zero));
        return false;
    }

    /// <summary>Requests one read index for all queued reads, unless one is in flight.</summary>
    public void Ask(PaxosNode node, long nowMs)
    {
        lock (_gate)
        {
            if (_retrying.Count > 0 && nowMs >= _retryAtMs)
            {
                _joining.AddRange(_retrying);
                _retrying.Clear();
            }

            if (_isAsking || _joining.Count == 0)
            {
                return;
            }

            _isAsking = true;
            (_asking, _joining) = (_joining, _asking);
        }

        _askedSinceBootMs = clock.SinceBootMs;
        node.ReadIndex(++_lastId);
    }

    /// <summary>Handles the result of a read index request.</summary>
    /// <returns>Whether reads now wait for its slot, so that the apply worker must be woken.</returns>
    public bool Answered(in ReadIndexResult result, FreshnessTracker freshness)
    {
        if (result.Id != _lastId || _asking.Count == 0)
        {
            return false;
        }

        bool isWaiting = false;
        if (result.Confirmed)
        {
            freshness.Confirmed(_askedSinceBootMs, result.Slot);
            foreach (PendingRead read in _asking)
            {
                read.Confirmed(result.Slot);
            }

            isWaiting = WaitForApplied(result.Slot, _asking);
        }
        else
        {
            Retry();
        }

        lock (_gate)
        {
            _asking.Clear();
            _isAsking = false;
        }

        return isWaiting;
    }

    /// <summary>Completes the read once the slot is applied here, which may be at once. Any thread.</summary>
    /// <returns>Whether the read waits, so that the apply worker must be woken.</returns>
    public bool WaitForApplied(Slot slot, PendingRead read) => WaitForApplied(slot, [read]);

    /// <summary>More slots are applied. Called by the apply worker.</summary>
    public void Release(Slot applied)
    {
        // Makes the applied slot visible before the count is read; a reader is counted before it checks the slot again.
        Interlocked.MemoryBarrier();
        if (!IsAnyUnapplied)
        {
            return;
        }

        while (true)
        {
            List<PendingRead> ready;
            long slot;
            lock (_unappliedGate)
            {
                if (_unapplied.Count == 0)
                {
                    return;
                }

                (slot, ready) = _unapplied.First();
                if (slot > applied.Value)
                {
                    return;
                }

                _unapplied.Remove(slot);
                Interlocked.Add(ref _unappliedCount, -ready.Count);
            }

            FinishAll(ready, new ReadOutcome(ReadStatus.Ready, new Slot(slot)));
        }
    }

    /// <summary>Gives up reads whose deadline has passed. Called by the consensus worker, periodically.</summary>
    public void Expire(long nowMs)
    {
        List<PendingRead> expired = [];
        lock (_gate)
        {
            MoveExpired(_joining, expired, nowMs);
        }

        MoveExpired(_asking, expired, nowMs, isKept: true);
        MoveExpired(_retrying, expired, nowMs);
        FinishAll(expired, new ReadOutcome(ReadStatus.NotConfirmed, Slot.Zero));
        if (IsAnyUnapplied)
        {
            GiveUpUnapplied(ReadStatus.NotApplied, (_, read) => read.DeadlineMs <= nowMs);
        }
    }

    /// <summary>
    /// The replica accepts nothing more for now: what it has not applied it will not apply soon, and another replica
    /// may have it.
    /// </summary>
    public void GiveUpUnapplied()
    {
        if (IsAnyUnapplied)
        {
            GiveUpUnapplied(ReadStatus.NotFollowing, (_, _) => true);
        }
    }

    /// <summary>
    /// Answers the reads whose slot this replica will not have applied in time, and which another replica may answer.
    /// </summary>
    /// <param name="reachIn">What will be applied after so many milliseconds.</param>
    public void GiveUpLate(Func<long, Slot> reachIn)
    {
        if (IsAnyUnapplied)
        {
            long nowMs = clock.NowMs;
            GiveUpUnapplied(
                ReadStatus.Behind,
                (slot, read) => !read.IsBoundToReplica && slot > reachIn(read.DeadlineMs - nowMs).Value);
        }
    }

    /// <summary>The replica is stopping: nobody answers these reads, nor any later ones.</summary>
    public void Close()
    {
        List<PendingRead> left;
        lock (_gate)
        {
            _isClosed = true;
            left = [.. _joining, .. _asking, .. _retrying];
            _joining.Clear();
            _asking.Clear();
            _retrying.Clear();
        }

        lock (_unappliedGate)
        {
            _isUnappliedClosed = true;
            left.AddRange(_unapplied.Values.SelectMany(reads => reads));
            _unapplied.Clear();
            _unappliedCount = 0;
        }

        FinishAll(left, new ReadOutcome(ReadStatus.NotConfirmed, Slot.Zero));
    }

    private static void MoveExpired(List<PendingRead> from, List<PendingRead> to, long nowMs, bool isKept = false)
    {
        foreach (PendingRead read in from)
        {
            if (read.DeadlineMs <= nowMs && !read.IsFinished)
            {
                to.Add(read);
            }
        }

        if (!isKept)
        {
            from.RemoveAll(read => read.DeadlineMs <= nowMs);
        }
    }

    private static void FinishAll(List<PendingRead> reads, in ReadOutcome outcome)
    {
        foreach (PendingRead read in reads)
        {
            read.Finish(outcome);
        }
    }

    private bool WaitForApplied(Slot slot, List<PendingRead> reads)
    {
        var outcome = new ReadOutcome(ReadStatus.Ready, slot);
        if (appliedSlot() < slot)
        {
            lock (_unappliedGate)
            {
                // Count before checking the slot again: an apply that happens in between then finds these reads.
                Interlocked.Add(ref _unappliedCount, reads.Count);
                if (_isUnappliedClosed)
                {
                    Interlocked.Add(ref _unappliedCount, -reads.Count);
                    outcome = new ReadOutcome(ReadStatus.NotConfirmed, Slot.Zero);
                }
                else if (appliedSlot() < slot)
                {
                    if (!_unapplied.TryGetValue(slot.Value, out List<PendingRead>? waiting))
                    {
                        waiting = [];
                        _unapplied.Add(slot.Value, waiting);
                    }

                    waiting.AddRange(reads);
                    return true;
                }
                else
                {
                    Interlocked.Add(ref _unappliedCount, -reads.Count);
                }
            }
        }

        FinishAll(reads, outcome);
        return false;
    }

    /// <summary>
    /// A read without time for another attempt is answered now rather than when its deadline has passed.
    /// </summary>
    private void Retry()
    {
        long retryAtMs = clock.NowMs + RetryPauseMs;
        foreach (PendingRead read in _asking)
        {
            if (read.DeadlineMs <= retryAtMs)
            {
                read.Finish(new ReadOutcome(ReadStatus.NotConfirmed, Slot.Zero));
                continue;
            }

            if (_retrying.Count == 0)
            {
                _retryAtMs = retryAtMs;
            }

            _retrying.Add(read);
        }
    }

    private void GiveUpUnapplied(ReadStatus status, Func<long, PendingRead, bool> isGivenUp)
    {
        List<(long Slot, PendingRead Read)> expired = [];
        lock (_unappliedGate)
        {
            foreach ((long slot, List<PendingRead> reads) in _unapplied)
            {
                expired.AddRange(reads.Where(read => isGivenUp(slot, read)).Select(read => (slot, read)));
            }

            foreach (long slot in expired.Select(item => item.Slot).Distinct())
            {
                List<PendingRead> reads = _unapplied[slot];
                reads.RemoveAll(read => isGivenUp(slot, read));
                if (reads.Count == 0)
                {
                    _unapplied.Remove(slot);
                }
            }

            Interlocked.Add(ref _unappliedCount, -expired.Count);
        }

        foreach ((long slot, PendingRead read) in expired)
        {
            read.Finish(new ReadOutcome(status, new Slot(slot)));
        }
    }
}
