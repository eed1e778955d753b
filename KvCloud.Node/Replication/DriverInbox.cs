using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Everything that others want of the consensus loop, drained whole at each of its turns. Writes are bounded by count
/// and bytes; messages by the transport, which reads no further while they wait.
/// </summary>
/// <param name="bytesWanted">Bytes of writes for which the loop is woken however few they are.</param>
/// <param name="patienceMs">How long the loop waits while nothing comes, at first.</param>
internal sealed class DriverInbox(int maxWrites, long maxWriteBytes, long bytesWanted, int patienceMs) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ThreadSignal _signal = new();
    private Batch _filling = new();
    private int _writesWanted = 1;
    private int _patienceMs = patienceMs;
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

    /// <summary>False when the loop has ended.</summary>
    public bool TryPost(ReadBatch reads)
    {
        bool isAwaited;
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _filling.Reads.Add(reads);
            isAwaited = _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
        return true;
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
            isAwaited = wakesLoop && AreWritesDue && _signal.TakeExpected();
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

    /// <summary>What the loop waits for from now on, and how long.</summary>
    /// <param name="writes">Fewer writes than this, those taken and not released among them, wake nobody.</param>
    /// <param name="patienceMs">After so long without anything the loop looks all the same.</param>
    public void Want(int writes, int patienceMs)
    {
        bool isAwaited;
        lock (_gate)
        {
            isAwaited = patienceMs < _patienceMs && _signal.TakeExpected();
            _writesWanted = writes;
            _patienceMs = patienceMs;
        }

        _signal.WakeIf(isAwaited);
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

    /// <summary>Waits until what is wanted came, somebody calls for the loop, or its patience ends.</summary>
    /// <param name="isTaken">Another thread is at what has come already.</param>
    public void Wait(bool isTaken)
    {
        int timeoutMs;
        lock (_gate)
        {
            timeoutMs = _patienceMs;
            bool isDue = _filling.Messages.Count > 0 || _filling.Reads.Count > 0 || (_filling.Writes.Count > 0 && AreWritesDue);
            if ((isDue && !isTaken) || _isCalled || _isClosed)
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

    /// <summary>Under the gate.</summary>
    private bool AreWritesDue => _queuedWrites >= _writesWanted || _queuedWriteBytes >= bytesWanted;

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
