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
    private int _queuedWrites;
    private long _queuedWriteBytes;
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
    private bool AreWritesDue => _queuedWrites >= _targetWrites || _queuedWriteBytes >= targetBytes;

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

            if (_queuedWrites >= maxWrites || _queuedWriteBytes >= maxWriteBytes)
            {
                return Full(_queuedWrites >= maxWrites, "wait to be proposed");
            }

            if (write.Flow is { } flow)
            {
                if (FindUsedUpShare(flow) is string usedUp)
                {
                    return new CommandResult(KvStatus.Overloaded, Message: $"{usedUp}; nothing was written");
                }

                flow.QueuedWrites++;
                flow.QueuedWriteBytes += write.Command.Length;
            }

            _queuedWrites++;
            _queuedWriteBytes += write.Command.Length;
            _filling.Writes.Add(write);
            isDue = AreWritesDue;
            return null;
        }
    }

    /// <summary>The refusal of a write for which a queue has no room.</summary>
    /// <param name="isCount">Whether the number of writes is at its limit; else their bytes are.</param>
    /// <param name="what">What the queued writes do.</param>
    public static CommandResult Full(bool isCount, string what) => new(
        KvStatus.Overloaded,
        Message: $"{(isCount ? "max_queued_writes" : "max_queued_write_bytes")}: too many writes {what};"
            + " nothing was written");

    /// <summary>Accounts for writes that left the queue: they were proposed or refused.</summary>
    public void Release(IReadOnlyList<PendingWrite> writes)
    {
        lock (_gate)
        {
            for (int i = 0; i < writes.Count; i++)
            {
                PendingWrite write = writes[i];
                _queuedWrites--;
                _queuedWriteBytes -= write.Command.Length;
                if (write.Flow is { } flow)
                {
                    flow.QueuedWrites--;
                    flow.QueuedWriteBytes -= write.Command.Length;
                }
            }
        }
    }

    /// <summary>Called under the gate. Names the limit of which the caller must not have more; null if none.</summary>
    private string? FindUsedUpShare(Flow flow)
    {
        if (FairShare.IsUsedUp(flow.QueuedWrites, _queuedWrites, maxWrites))
        {
            return "max_queued_writes: " + FairShare.Describe(flow.Name, flow.QueuedWrites, "waiting writes");
        }

        return FairShare.IsUsedUp(flow.QueuedWriteBytes, _queuedWriteBytes, maxWriteBytes)
            ? "max_queued_write_bytes: "
                + FairShare.Describe(flow.Name, flow.QueuedWriteBytes, "bytes of waiting writes")
            : null;
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
