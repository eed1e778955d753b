using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Node.Replication;

/// <summary>
/// Messages and writes for the consensus worker, which takes all of them at each step. Writes are bounded by count and
/// bytes; messages are bounded by the transport, which stops reading while they wait. Any thread may post.
/// </summary>
/// <param name="targetBytes">Bytes of queued writes that wake the worker, however few the writes are.</param>
/// <param name="maxSleepMs">Initial value of <see cref="MaxSleepMs"/>.</param>
internal sealed class DriverInbox(int maxWrites, long maxWriteBytes, long targetBytes, int maxSleepMs)
{
    private static readonly CommandResult Stopping =
        new(KvStatus.ShuttingDown, Message: "the node is stopping; nothing was written");

    private readonly Lock _gate = new();
    private Batch _filling = new();
    private int _targetWrites = 1;
    private int _maxSleepMs = maxSleepMs;
    private HeldWrites _queued;
    private bool _isClosed;

    /// <summary>What one step takes.</summary>
    internal sealed class Batch
    {
        public List<Message> Messages { get; } = [];

        public List<PendingWrite> Writes { get; } = [];

        public bool IsEmpty => Messages.Count == 0 && Writes.Count == 0;

        public void Clear()
        {
            Messages.Clear();
            Writes.Clear();
        }
    }

    /// <summary>How long the worker sleeps before it checks without having been woken.</summary>
    public int MaxSleepMs => Volatile.Read(ref _maxSleepMs);

    /// <summary>Whether nothing has arrived since the last <see cref="Take"/>.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _filling.IsEmpty;
            }
        }
    }

    /// <summary>Whether something has arrived that the worker must handle without waiting for more.</summary>
    public bool IsDue
    {
        get
        {
            lock (_gate)
            {
                return _filling.Messages.Count > 0 || (_filling.Writes.Count > 0 && AreWritesDue);
            }
        }
    }

    /// <summary>Called under the gate.</summary>
    private bool AreWritesDue => _queued.Count >= _targetWrites || _queued.Bytes >= targetBytes;

    /// <summary>Queues messages. The caller makes sure that a step takes them.</summary>
    public void Post(IReadOnlyList<Message> messages)
    {
        lock (_gate)
        {
            _filling.Messages.AddRange(messages);
        }
    }

    /// <summary>Queues a write. Null when it is queued; else the refusal, which names the limit reached.</summary>
    /// <param name="isDue">Whether the worker must be woken for what is queued.</param>
    public CommandResult? Post(PendingWrite write, out bool isDue)
    {
        lock (_gate)
        {
            isDue = false;
            if (_isClosed)
            {
                return Stopping;
            }

            HeldWrites own = write.Flow?.Queued ?? default;
            if (_queued.FindFull(maxWrites, maxWriteBytes, write.Flow, in own, "wait to be proposed") is { } full)
            {
                return full;
            }

            write.Flow?.Queued.Add(write);
            _queued.Add(write);
            _filling.Writes.Add(write);
            isDue = AreWritesDue;
            return null;
        }
    }

    /// <summary>Accounts for writes that left the queue: they were proposed or refused.</summary>
    public void Release(IReadOnlyList<PendingWrite> writes)
    {
        lock (_gate)
        {
            for (int i = 0; i < writes.Count; i++)
            {
                _queued.Remove(writes[i]);
                writes[i].Flow?.Queued.Remove(writes[i]);
            }
        }
    }

    /// <summary>Sets how many writes the worker waits for, and how long.</summary>
    /// <param name="writes">Fewer writes than this are not due; writes taken but not yet released count.</param>
    /// <returns>Whether the worker's sleep became shorter, so that it must be woken if it sleeps.</returns>
    public bool Target(int writes, int maxSleepMs)
    {
        lock (_gate)
        {
            bool sleepsShorter = maxSleepMs < _maxSleepMs;
            _targetWrites = writes;
            Volatile.Write(ref _maxSleepMs, maxSleepMs);
            return sleepsShorter;
        }
    }

    /// <summary>Accepts no further writes.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    /// <summary>Takes everything that has arrived, in exchange for an empty batch.</summary>
    public Batch Take(Batch emptied)
    {
        lock (_gate)
        {
            Batch taken = _filling;
            _filling = emptied;
            return taken;
        }
    }
}
