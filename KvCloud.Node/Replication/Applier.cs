using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Applies chosen slots in order, all that wait in one batch of the store, and answers the writes that this node
/// proposed in them, while commit goes on.
/// </summary>
/// <remarks>
/// What somebody waits for here, a write's caller or a reader, is applied at once. The rest, on followers nearly all,
/// waits for the next tick of the consensus worker: fewer and larger batches, and the cores are free for what an
/// answer waits for.
/// </remarks>
internal sealed class Applier : IWork, IApplyObserver
{
    /// <summary>One batch of the store holds no more than about this: it is built in memory.</summary>
    private const long MaxBatchBytes = 4 * 1024 * 1024;

    /// <summary>From this on what waits is applied although nobody waits for it.</summary>
    private const long TargetBatchBytes = 64 * 1024;

    /// <summary>After so long without work, obsolete versions are collected.</summary>
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

    // Of the run.
    private readonly List<ChosenEntry> _entries = [];
    private readonly List<PendingWrite[]?> _writes = [];

    // Under the gate.
    private readonly Queue<Item> _waiting = [];
    private long _waitingBytes;
    private bool _isWanted;
    private bool _isApplying;
    private bool _isClosed;
    private bool _isAbandoned;

    private long _appliedSlot;
    private long _appliedBytes;
    private AppliedState _hashed;

    /// <param name="hashEverySlots">
    /// Every replica ends a batch at these slots, so that state hashes of the same slot can be compared.
    /// </param>
    /// <param name="onAnswerFailed">An answer could not be given after a failure; the other answers still are.</param>
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

    /// <param name="Writes">The writes of the slot's commands, in order, where this node proposed them; else
    /// null.</param>
    private readonly record struct Item(ChosenEntry Entry, PendingWrite[]? Writes);

    /// <summary>What is applied and readable here.</summary>
    public Slot AppliedSlot => new(Volatile.Read(ref _appliedSlot));

    /// <summary>Bytes of values that were chosen and wait to be applied.</summary>
    public long WaitingBytes => Volatile.Read(ref _waitingBytes);

    /// <summary>Bytes of values applied since the start.</summary>
    public long AppliedBytes => Volatile.Read(ref _appliedBytes);

    /// <summary>The state at the last slot at which replicas compare hashes.</summary>
    public AppliedState Hashed => Volatile.Read(ref _hashed);

    /// <summary>Reads, of which those with a read index wait for the slots applied here.</summary>
    public ReadQueue Reads => _reads;

    public int MaxSleepMs => IdleMs;

    /// <summary>Queues the slot. By the consensus worker.</summary>
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

        // A step that was on its way when the replica failed.
        Abandon(writes ?? []);
        return Due.No;
    }

    /// <summary>What waits has waited long enough. To be called at every tick, and when a reader waits.</summary>
    public Due ApplyWaiting()
    {
        lock (_gate)
        {
            _isWanted |= _waiting.Count > 0;
            return _isWanted ? Due.OwnThread : Due.No;
        }
    }

    /// <summary>What still waits is due from now on.</summary>
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

    /// <summary>Takes what waits. Where nothing has waited for a while, it is a time to collect.</summary>
    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
            {
                _isApplying = reason == RunReason.TimedOut && !_isClosed;
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
            _executor.CollectIdle();
            return;
        }

        DateTime started = _traces.Now();
        long startedUs = _clock.NowUs;
        _executor.Apply(_entries, this);
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
                KvStatus.Internal, Message: $"slot {slot} holds no whole batch of commands: {error}"));
        }
    }

    /// <summary>What was chosen will not be applied here any more; the other replicas have it.</summary>
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
                    Message: "this node failed while it applied the write, which the others may have"));
            }
            catch (Exception exception)
            {
                // It may be what has failed; the other writes are to be answered all the same.
                _onAnswerFailed(exception);
            }
        }
    }

    private PendingWrite[]? WritesOf(Slot slot) => _writes[(int)(slot.Value - _entries[0].Slot.Value)];

    /// <summary>
    /// Only now, when all of the batch have their answers, so that those of one connection leave it together.
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
