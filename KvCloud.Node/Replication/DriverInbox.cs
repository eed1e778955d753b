using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Everything that others want of the consensus loop, drained whole at each of its turns. Writes are bounded by count
/// and bytes; messages by the transport, which reads no further while they wait.
/// </summary>
internal sealed class DriverInbox(int maxWrites, long maxWriteBytes) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ThreadSignal _signal = new();
    private Batch _filling = new();
    private int _queuedWrites;
    private long _queuedWriteBytes;
    private bool _isCalled;
    private bool _isClosed;

    /// <summary>What one turn takes.</summary>
    internal sealed class Batch
    {
        public List<Message> Messages { get; } = [];

        public List<PendingWrite> Writes { get; } = [];

        public List<ReadBatch> Reads { get; } = [];

        public bool IsEmpty => Messages.Count == 0 && Writes.Count == 0 && Reads.Count == 0;

        public void Clear()
        {
            Messages.Clear();
            Writes.Clear();
            Reads.Clear();
        }
    }

    /// <summary>Wakes nobody: whoever posts messages sees to it that a turn takes them.</summary>
    public void Post(IReadOnlyList<Message> messages)
    {
        lock (_gate)
        {
            _filling.Messages.AddRange(messages);
        }
    }

    public void Post(ReadBatch reads)
    {
        bool isAwaited;
        lock (_gate)
        {
            _filling.Reads.Add(reads);
            isAwaited = _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
    }

    /// <summary>False when the queue is full or the loop has ended.</summary>
    /// <param name="wakesLoop">Otherwise the caller sees to it that a turn takes the write.</param>
    public bool TryPost(PendingWrite write, bool wakesLoop)
    {
        bool isAwaited;
        lock (_gate)
        {
            if (_isClosed || _queuedWrites >= maxWrites || _queuedWriteBytes >= maxWriteBytes)
            {
                return false;
            }

            _queuedWrites++;
            _queuedWriteBytes += write.Command.Length;
            _filling.Writes.Add(write);
            isAwaited = wakesLoop && _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
        return true;
    }

    /// <summary>Writes left the queue: they were proposed or refused.</summary>
    public void Release(int writes, long bytes)
    {
        lock (_gate)
        {
            _queuedWrites -= writes;
            _queuedWriteBytes -= bytes;
        }
    }

    /// <summary>Calls for the loop: it waits no longer, or not at all the next time.</summary>
    public void Wake()
    {
        bool isAwaited;
        lock (_gate)
        {
            _isCalled = true;
            isAwaited = _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
    }

    /// <summary>Ends the queue and wakes the loop for its last turn.</summary>
    public void Close()
    {
        bool isAwaited;
        lock (_gate)
        {
            _isClosed = true;
            isAwaited = _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
    }

    /// <summary>Waits until something came, somebody calls for the loop, or the time is over.</summary>
    /// <param name="isTaken">Another thread is at what has come already.</param>
    public void Wait(int timeoutMs, bool isTaken)
    {
        lock (_gate)
        {
            if ((!_filling.IsEmpty && !isTaken) || _isCalled || _isClosed)
            {
                _isCalled = false;
                return;
            }

            _signal.Expect();
        }

        _signal.Wait(timeoutMs);
        lock (_gate)
        {
            _signal.TakeExpected();
            _isCalled = false;
        }
    }

    /// <summary>Whether nothing came since the last <see cref="Take"/>.</summary>
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

    /// <summary>Takes all that came in exchange for an empty batch.</summary>
    public Batch Take(Batch emptied)
    {
        lock (_gate)
        {
            Batch taken = _filling;
            _filling = emptied;
            return taken;
        }
    }

    public void Dispose() => _signal.Dispose();
}
