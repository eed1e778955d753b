using System.Numerics;
using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Scrubbing;

/// <summary>
/// Periodically hashes the stored rows as of one slot, for replicas to compare. State hashes cover the effects of
/// slots, and say nothing about what the store still holds.
/// </summary>
/// <remarks>
/// The slots to hash follow from the log alone: multiples of a stride. Replicas of different speed choose different
/// strides, but each is a power of two times the same base, so every slot of the slowest replica is one of all others.
/// </remarks>
internal sealed class StoredRowsHasher(
    KvStoreExecutor executor, IReplicaClock clock, int everySlots, long restMs) : IDisposable
{
    private readonly Lock _gate = new();

    // Under the gate.
    private StoredRows? _offered;
    private bool _isClosed;

    private volatile bool _isWanted;
    private long _stride = everySlots;

    // Of the scrub's worker.
    private StoredRows? _rows;
    private Slot _lastSlot;
    private long _restedAtMs = clock.NowMs;
    private volatile Tuple<Slot, ulong> _hash = Tuple.Create(Slot.Zero, 0UL);

    /// <summary>The last hash and its slot; Zero before the first. Any thread.</summary>
    public (Slot Slot, ulong Hash) Latest => (_hash.Item1, _hash.Item2);

    /// <summary>
    /// Exactly the slots up to this one are applied: opens a cursor there if a hash is due. On the applier's thread.
    /// </summary>
    public void Offer(Slot applied)
    {
        if (!_isWanted || applied.Value % Volatile.Read(ref _stride) != 0 || executor.Health.IsDamaged)
        {
            return;
        }

        _isWanted = false;
        StoredRows rows = executor.OpenStoredRows();
        lock (_gate)
        {
            if (!_isClosed)
            {
                _offered = rows;
                return;
            }
        }

        rows.Dispose();
    }

    /// <summary>Takes an opened cursor, or decides that the next hash is due, and at which stride. On the scrub's
    /// worker.</summary>
    public void Look()
    {
        lock (_gate)
        {
            _rows ??= _offered;
            _offered = null;
        }

        if (_rows is null && !_isWanted && clock.NowMs >= _restedAtMs)
        {
            // The stride covers the slots that passed during the last hash and the pause after it.
            long passed = Math.Max(1, executor.AppliedSlot.Value - _lastSlot.Value);
            long strides = (passed + everySlots - 1) / everySlots;
            Volatile.Write(ref _stride, everySlots * (long)BitOperations.RoundUpToPowerOf2((ulong)strides));
            _isWanted = true;
        }
    }

    /// <summary>Hashes about so many more bytes. False when there is nothing to hash now.</summary>
    public bool Advance(int maxBytes)
    {
        if (_rows is null)
        {
            return false;
        }

        if (executor.Health.IsDamaged)
        {
            End();
            return false;
        }

        if (_rows.Advance(maxBytes))
        {
            return true;
        }

        _hash = Tuple.Create(_rows.At.Slot, _rows.Hash);
        End();
        return false;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _offered?.Dispose();
        }

        _rows?.Dispose();
    }

    private void End()
    {
        _lastSlot = _rows!.At.Slot;
        _rows.Dispose();
        _rows = null;
        _restedAtMs = clock.NowMs + restMs;
    }
}
