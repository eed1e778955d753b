using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication;

/// <summary>
/// Applies chosen slots in order, all waiting slots in one batch of the store, and answers the writes that this node
/// proposed in them. Runs in parallel with commit.
/// </summary>
/// <remarks>
/// A slot is applied at once when a caller waits for its write or a reader waits for the slot. All others, which on
/// followers means nearly all, wait for the next tick of the consensus worker: that makes fewer and larger batches, and
/// leaves the cores free for work that an answer depends on.
/// </remarks>
internal sealed class Applier : IWork, IApplyObserver
{
    /// <summary>Approximate upper bound of one store batch, which is built in memory.</summary>
    private const long MaxBatchBytes = 4 * 1024 * 1024;

    /// <summary>When this much is waiting it is applied even if nobody waits for it.</summary>
    private const long TargetBatchBytes = 64 * 1024;

    /// <summary>After this long without work, obsolete versions are collected.</summary>
    private const int IdleMs = 100;

    private readonly KvStoreExecutor _executor;
    private readonly SlotTraces _traces;
    private readonly IReplicaObserver? _observer;
    private readonly IReplicaClock _clock;
    private readonly ReplicationMetrics? _metrics;
    private readonly ReadQueue _reads;
    private readonly Action<Exception> _onAnswerFailed;
    private readonly int _hashEverySlots;
    private readonly Lock _gate = new();

    // Used by the current run only.
    private readonly List<ChosenEntry> _entries = [];
    private readonly List<PendingWrite[]?> _writes = [];

    // Guarded by the gate.
    private readonly Queue<Item> _waiting = [];
    private long _waitingBytes;
    private bool _isWanted;
    private bool _isApplying;
    private bool _isClosed;
    private bool _isAbandoned;

    private long _appliedSlot;
    private long _appliedBytes;
    private AppliedState _hashed;

    /// <param name="hashEverySlots">Every replica ends a batch at multiples of this slot number, so that state hashes
    /// of the same slot can be compared.</param>
    /// <param name="onAnswerFailed">Called when one write could not be answered; the other writes still are.</param>
    public Applier(
        KvStoreExecutor executor,
        IReplicaRuntime runtime,
        SlotTraces traces,
        int hashEverySlots,
        Action<Exception> onAnswerFailed)
    {
        _executor = executor;
        _traces = traces;
        _clock = runtime.Clock;
        _observer = runtime.Observer;
        _metrics = runtime.Metrics;
        _hashEverySlots = hashEverySlots;
        _onAnswerFailed = onAnswerFailed;
        _appliedSlot = executor.AppliedSlot.Value;
        _hashed = executor.Applied;
        _reads = new ReadQueue(_clock, () => AppliedSlot);
    }

    /// <param name="Writes">The writes of the slot's commands, in order, if this node proposed them; otherwise
    /// null.</param>
    private readonly record struct Item(ChosenEntry Entry, PendingWrite[]? Writes);

    /// <summary>The last slot that is applied and readable here.</summary>
    public Slot AppliedSlot => new(Volatile.Read(ref _appliedSlot));

    /// <summary>Bytes of chosen values that wait to be applied.</summary>
    public long WaitingBytes => Volatile.Read(ref _waitingBytes);

    /// <summary>Bytes of values applied since the start.</summary>
    public long AppliedBytes => Volatile.Read(ref _appliedBytes);

    /// <summary>The state at the last slot at which replicas compare hashes.</summary>
    public AppliedState Hashed => Volatile.Read(ref _hashed);

    /// <summary>Hashes the stored rows periodically; null if the scrub is off.</summary>
    public StoredRowsHasher? StoredRows { get; set; }

    /// <summary>Reads, some of which wait until their read index is applied here.</summary>
    public ReadQueue Reads => _reads;

    public int MaxSleepMs => IdleMs;

    /// <summary>Queues a chosen slot. Called by the consensus worker.</summary>
    public Due Enqueue(ChosenEntry entry, PendingWrite[]? writes)
    {
        lock (_gate)
        {
            if (!_isAbandoned)
            {
                bool isAlone = writes is { Length: 1 } && !_isWanted && !_isApplying;
                _waiting.Enqueue(new Item(entry, writes));
                _waitingBytes += entry.Value.Payload.Length;
                _isWanted |= writes is not null || _waitingBytes >= TargetBatchBytes || _reads.IsAnyUnapplied;
                return !_isWanted ? Due.No : isAlone ? Due.Inline : Due.OwnThread;
            }
        }

        // A step was already under way when the replica failed.
        Abandon(writes ?? []);
        return Due.No;
    }

    /// <summary>Makes all waiting slots due. Called at every tick, and when a reader waits.</summary>
    public Due ApplyWaiting()
    {
        lock (_gate)
        {
            _isWanted |= _waiting.Count > 0;
            return _isWanted ? Due.OwnThread : Due.No;
        }
    }

    /// <summary>Makes all waiting slots due from now on.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return _waiting.Count > 0 && (_isWanted || _isClosed);
        }
    }

    /// <summary>
    /// Takes the waiting slots. When there has been nothing to apply for a while, it collects obsolete versions
    /// instead.
    /// </summary>
    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
            {
                _isApplying = reason == RunReason.TimedOut && !_isClosed && !_isAbandoned;
                return _isApplying;
            }

            if (!_isWanted && !_isClosed)
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
                if (item.Entry.Slot.Value % _hashEverySlots == 0)
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

    public void Execute()
    {
        if (_entries.Count == 0)
        {
            CollectIdle();
            return;
        }

        DateTime started = _traces.Now();
        long startedUs = _clock.NowUs;
        try
        {
            _executor.Apply(_entries, this);
        }
        catch (StoreCorruptException exception)
        {
            _executor.Health.Report(StoreDamage.Of(exception));
            StopApplying();
            Abandon(_writes.SelectMany(writes => writes ?? []));
            _entries.Clear();
            _writes.Clear();
            return;
        }

        _traces.Applied(_entries, started, _traces.Now());
        _metrics?.Applied(_clock.NowUs - startedUs, _entries.Count);
    }

    public FollowUp Complete()
    {
        if (_entries.Count > 0)
        {
            Slot applied = _entries[^1].Slot;
            Volatile.Write(ref _appliedSlot, applied.Value);
            if (applied.Value % _hashEverySlots == 0)
            {
                Volatile.Write(ref _hashed, _executor.Applied);
                OfferRows(applied);
            }

            _observer?.AppliedUpTo(applied);
            Announce();
            _reads.Release(applied);
            _entries.Clear();
            _writes.Clear();
        }

        lock (_gate)
        {
            _isApplying = false;
        }

        return default;
    }

    public void OnApplied(Slot slot, int index, in CommandResult result)
    {
        _observer?.Applied(slot, index, result);
        PendingWrite[]? writes = WritesOf(slot);
        if (writes is not null)
        {
            Invariant.Check(index < writes.Length, $"slot {slot} has more commands than were proposed");
            writes[index].FinishQuietly(result);
        }
    }

    public void OnMalformed(Slot slot, string error)
    {
        foreach (PendingWrite write in WritesOf(slot) ?? [])
        {
            write.Finish(new CommandResult(
                KvStatus.Internal, Message: $"slot {slot} does not hold a complete batch of commands: {error}"));
        }
    }

    /// <summary>
    /// The data store is damaged: from now on chosen slots go to the log only. Does not wait for a run under way. Any
    /// thread.
    /// </summary>
    public void StopApplying()
    {
        PendingWrite[]?[] left;
        lock (_gate)
        {
            _isAbandoned = true;
            left = [.. _waiting.Select(item => item.Writes)];
            _waiting.Clear();
            _waitingBytes = 0;
            _isWanted = false;
        }

        Abandon(left.SelectMany(writes => writes ?? []));
    }

    /// <summary>Chosen slots will no longer be applied here; the other replicas have them.</summary>
    public void Abandon()
    {
        PendingWrite[]?[] left;
        lock (_gate)
        {
            _isAbandoned = true;
            left = [.. _writes, .. _waiting.Select(item => item.Writes)];
            _waiting.Clear();
        }

        Abandon(left.SelectMany(writes => writes ?? []));
    }

    private void Abandon(IEnumerable<PendingWrite> left)
    {
        foreach (PendingWrite write in left)
        {
            try
            {
                write.Finish(new CommandResult(
                    KvStatus.OutcomeUnknown,
                    Message: "this node failed while it applied the write; the other replicas may have it"));
            }
            catch (Exception exception)
            {
                // Answering this write may be what failed; the other writes must still be answered.
                _onAnswerFailed(exception);
            }
        }
    }

    private void OfferRows(Slot applied)
    {
        try
        {
            StoredRows?.Offer(applied);
        }
        catch (StoreCorruptException exception)
        {
            _executor.Health.Report(StoreDamage.Of(exception));
        }
    }

    private void CollectIdle()
    {
        try
        {
            _executor.CollectIdle();
        }
        catch (StoreCorruptException exception)
        {
            _executor.Health.Report(StoreDamage.Of(exception));
        }
    }

    private PendingWrite[]? WritesOf(Slot slot) => _writes[(int)(slot.Value - _entries[0].Slot.Value)];

    /// <summary>
    /// Sends the answers only once every write of the batch has one, so that those of one connection leave it together.
    /// </summary>
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
}
