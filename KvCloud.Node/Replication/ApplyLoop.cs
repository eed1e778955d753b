using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Replication;

/// <summary>
/// Applies chosen slots in order, all that wait in one batch of the store, and answers the writes that this node proposed in
/// them. Mostly on a thread of its own, while commit goes on; a write that is alone, on the thread that found it chosen. One
/// thread at a time applies.
/// </summary>
/// <remarks>
/// What somebody waits for here, a write's caller or a reader, is applied at once. The rest, on followers nearly all, is left
/// to wait for company until the consensus loop's next tick: fewer and larger batches, and the cores are free for what is
/// on the way of an answer.
/// </remarks>
internal sealed class ApplyLoop : IApplyObserver, IDisposable
{
    /// <summary>One batch of the store holds no more than about this: it is built in memory.</summary>
    private const long MaxBatchBytes = 4 * 1024 * 1024;

    /// <summary>So much is company enough.</summary>
    private const long WantedBytes = 64 * 1024;

    /// <summary>Every replica ends a batch at these slots, so that state hashes of the same slot can be compared.</summary>
    private const long HashEverySlots = 256;

    /// <summary>After so long without work, versions out of their window are collected.</summary>
    private const int IdleMs = 100;

    private readonly KvStoreExecutor _executor;
    private readonly SlotTraces _traces;
    private readonly Action<Exception> _onFatal;
    private readonly Lock _gate = new();
    private readonly ThreadSignal _signal = new();
    private readonly Thread _thread;
    private readonly Queue<Item> _waiting = [];
    private readonly List<ChosenEntry> _entries = [];
    private readonly List<PendingWrite[]?> _writes = [];
    private readonly SortedDictionary<long, List<TaskCompletionSource>> _slotWaiters = [];
    private long _waitingBytes;
    private bool _isWanted;
    private int _slotWaiterCount;
    private long _appliedSlot;
    private long _appliedBytes;
    private AppliedState _hashed;
    private bool _isApplying;
    private bool _hasFailed;
    private bool _isClosed;

    public ApplyLoop(KvStoreExecutor executor, SlotTraces traces, Action<Exception> onFatal)
    {
        _executor = executor;
        _traces = traces;
        _onFatal = onFatal;
        _appliedSlot = executor.AppliedSlot.Value;
        _hashed = executor.Applied;
        _thread = new Thread(Run) { Name = "kv-apply", IsBackground = true };
    }

    /// <param name="Writes">The writes of the slot's commands, in order, where this node proposed them; else null.</param>
    private readonly record struct Item(ChosenEntry Entry, PendingWrite[]? Writes);

    public Slot AppliedSlot => new(Volatile.Read(ref _appliedSlot));

    /// <summary>Bytes of values that were chosen and wait to be applied.</summary>
    public long WaitingBytes => Volatile.Read(ref _waitingBytes);

    /// <summary>Bytes of values applied since this loop began.</summary>
    public long AppliedBytes => Volatile.Read(ref _appliedBytes);

    /// <summary>The state at the last slot at which replicas compare hashes.</summary>
    public AppliedState Hashed => Volatile.Read(ref _hashed);

    public void Start() => _thread.Start();

    /// <param name="mayLeave">The caller has time to apply a write that is alone.</param>
    /// <returns>Whether the slot is left to the caller, who must call <see cref="ApplyHere"/> soon.</returns>
    public bool Enqueue(ChosenEntry entry, PendingWrite[]? writes, bool mayLeave)
    {
        bool isLeft;
        bool isAwaited;
        lock (_gate)
        {
            isLeft = mayLeave && writes is { Length: 1 } && !_isWanted && !_isApplying;
            _waiting.Enqueue(new Item(entry, writes));
            _waitingBytes += entry.Value.Payload.Length;
            _isWanted |= writes is not null || _waitingBytes >= WantedBytes || Volatile.Read(ref _slotWaiterCount) > 0;
            isAwaited = _isWanted && !isLeft && _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
        return isLeft;
    }

    /// <summary>Applies what waits on this thread, unless another has begun with it meanwhile.</summary>
    public void ApplyHere()
    {
        if (TryTake())
        {
            Apply();
        }
    }

    /// <summary>What waits has waited long enough. To be called at every tick.</summary>
    public void ApplyWaiting()
    {
        bool isAwaited;
        lock (_gate)
        {
            _isWanted |= _waiting.Count > 0;
            isAwaited = _isWanted && _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
    }

    /// <summary>Completes when the slot is applied and readable here.</summary>
    public Task WaitForAsync(Slot slot)
    {
        if (AppliedSlot >= slot)
        {
            return Task.CompletedTask;
        }

        Task task;
        lock (_slotWaiters)
        {
            if (AppliedSlot >= slot)
            {
                return Task.CompletedTask;
            }

            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!_slotWaiters.TryGetValue(slot.Value, out List<TaskCompletionSource>? waiters))
            {
                waiters = [];
                _slotWaiters.Add(slot.Value, waiters);
            }

            waiters.Add(waiter);
            Interlocked.Increment(ref _slotWaiterCount);
            task = waiter.Task;
        }

        // Counted before, so that the slot itself is noticed if it comes only now.
        ApplyWaiting();
        return task;
    }

    public void OnApplied(Slot slot, int index, in CommandResult result)
    {
        PendingWrite[]? writes = _writes[(int)(slot.Value - _entries[0].Slot.Value)];
        if (writes is not null)
        {
            Invariant.Check(index < writes.Length, $"slot {slot} has more commands than were proposed");
            writes[index].FinishQuietly(result);
        }
    }

    public void OnMalformed(Slot slot, string error)
    {
        foreach (PendingWrite write in _writes[(int)(slot.Value - _entries[0].Slot.Value)] ?? [])
        {
            write.Finish(new CommandResult(
                ErrorCode.INTERNAL, Message: $"slot {slot} holds no whole batch of commands: {error}"));
        }
    }

    /// <summary>Applies what still waits and ends the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        _signal.WakeIf(true);
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        // Only after a failure there is something left.
        AbandonWaiting();
        _signal.Dispose();
    }

    private void Run()
    {
        while (!IsOver())
        {
            if (TryTake())
            {
                Apply();
            }
            else if (!WaitForWork() && TryTakeNothing())
            {
                Apply();
            }
        }
    }

    private bool IsOver()
    {
        lock (_gate)
        {
            return _hasFailed || (_isClosed && !_isApplying && _waiting.Count == 0);
        }
    }

    /// <summary>False when nothing came for a while.</summary>
    private bool WaitForWork()
    {
        lock (_gate)
        {
            if (!_isApplying && (_isWanted || _isClosed))
            {
                return true;
            }

            _signal.Expect();
        }

        _signal.Wait(IdleMs);
        lock (_gate)
        {
            return !_signal.TakeExpected();
        }
    }

    /// <summary>Takes what waits; from here to the end of <see cref="Apply"/> the caller is the one that applies.</summary>
    private bool TryTake()
    {
        lock (_gate)
        {
            if (_isApplying || _waiting.Count == 0 || (!_isWanted && !_isClosed))
            {
                return false;
            }

            _isApplying = true;
            long bytes = 0;
            while (bytes < MaxBatchBytes && _waiting.TryDequeue(out Item item))
            {
                bytes += item.Entry.Value.Payload.Length;
                _entries.Add(item.Entry);
                _writes.Add(item.Writes);
                if (item.Entry.Slot.Value % HashEverySlots == 0)
                {
                    break;
                }
            }

            _isWanted &= _waiting.Count > 0;
            _waitingBytes -= bytes;
            Volatile.Write(ref _appliedBytes, _appliedBytes + bytes);
            return true;
        }
    }

    /// <summary>As <see cref="TryTake"/>, where nothing waits.</summary>
    private bool TryTakeNothing()
    {
        lock (_gate)
        {
            bool isIdle = !_isApplying && !_isClosed && _waiting.Count == 0;
            _isApplying |= isIdle;
            return isIdle;
        }
    }

    /// <summary>Applies what was taken; nothing taken, it is a time to collect.</summary>
    private void Apply()
    {
        try
        {
            if (_entries.Count == 0)
            {
                _executor.CollectIdle();
            }
            else
            {
                ApplyEntries();
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
            return;
        }

        _entries.Clear();
        _writes.Clear();
        bool isAwaited;
        lock (_gate)
        {
            _isApplying = false;
            isAwaited = (_isWanted || _isClosed) && _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
    }

    private void ApplyEntries()
    {
        DateTime started = _traces.Now();
        _executor.Apply(_entries, this);
        DateTime ended = _traces.Now();
        Volatile.Write(ref _appliedSlot, _entries[^1].Slot.Value);
        if (_appliedSlot % HashEverySlots == 0)
        {
            Volatile.Write(ref _hashed, _executor.Applied);
        }

        Announce();
        ReleaseSlotWaiters();
        _traces.Applied(_entries, started, ended);
    }

    /// <summary>Nobody applies any more: what the store holds is unknown. Leading ends before anybody is answered.</summary>
    private void Fail(Exception exception)
    {
        bool isAwaited;
        lock (_gate)
        {
            _hasFailed = true;
            isAwaited = _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
        _onFatal(exception);
        Abandon(_writes);
        AbandonWaiting();
    }

    /// <summary>What was chosen and will not be applied here any more: the others have it.</summary>
    private void AbandonWaiting()
    {
        PendingWrite[]?[] left;
        lock (_gate)
        {
            left = [.. _waiting.Select(item => item.Writes)];
            _waiting.Clear();
        }

        Abandon(left);
    }

    private void Abandon(IReadOnlyList<PendingWrite[]?> slots)
    {
        foreach (PendingWrite write in slots.SelectMany(writes => writes ?? []))
        {
            try
            {
                write.Finish(new CommandResult(
                    ErrorCode.OUTCOME_UNKNOWN, Message: "this node failed while it applied the write, which the others may have"));
            }
            catch (Exception exception)
            {
                // It may be what has failed; the other writes are to be answered all the same.
                _onFatal(exception);
            }
        }
    }

    private void Announce()
    {
        foreach (PendingWrite[]? writes in _writes)
        {
            foreach (PendingWrite write in writes ?? [])
            {
                write.Announce();
            }
        }
    }

    private void ReleaseSlotWaiters()
    {
        lock (_slotWaiters)
        {
            while (_slotWaiters.Count > 0)
            {
                (long slot, List<TaskCompletionSource> waiters) = _slotWaiters.First();
                if (slot > _appliedSlot)
                {
                    return;
                }

                _slotWaiters.Remove(slot);
                Interlocked.Add(ref _slotWaiterCount, -waiters.Count);
                foreach (TaskCompletionSource waiter in waiters)
                {
                    waiter.SetResult();
                }
            }
        }
    }
}
