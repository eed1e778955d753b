using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Node.Replication;

/// <summary>
/// Makes log writes durable: one write and one fsync for all that waits, in order. What may be said only after the write is
/// handed on only then. Mostly on a thread of its own (.NET has no asynchronous fsync); a write that is small and alone,
/// on the thread that brought it. One thread at a time writes.
/// </summary>
internal sealed class LogWriter : IDisposable
{
    /// <summary>Up to this a write takes the disk's time for a sync, and no more; a thread change costs about as much.</summary>
    private const int SmallWriteBytes = 4 * 1024;

    private readonly IPaxosLog _log;
    private readonly SlotTraces _traces;
    private readonly Action<IReadOnlyList<Message>> _release;
    private readonly Action<Exception> _onFatal;
    private readonly Lock _gate = new();
    private readonly ThreadSignal _signal = new();
    private readonly Thread _thread;

    // Of who writes.
    private readonly List<Effects> _writes = [];
    private readonly List<Message> _released = [];
    private List<Effects> _taken = [];

    // Under the gate.
    private List<Effects> _waiting = [];
    private long _unwrittenSlots;
    private bool _isWanted;
    private bool _isWriting;
    private bool _hasFailed;
    private bool _isClosed;

    /// <param name="release">Gets the messages of the effects that are durable now, on the thread that wrote.</param>
    public LogWriter(
        IPaxosLog log, SlotTraces traces, Action<IReadOnlyList<Message>> release, Action<Exception> onFatal)
    {
        _log = log;
        _traces = traces;
        _release = release;
        _onFatal = onFatal;
        _thread = new Thread(Run) { Name = "kv-log", IsBackground = true };
    }

    /// <summary>Entries that are not on disk yet.</summary>
    public long UnwrittenSlots => Volatile.Read(ref _unwrittenSlots);

    public void Start() => _thread.Start();

    /// <summary>
    /// Queues the write. One that is a hint only, and lets nobody wait, goes with the next that is more, or with
    /// <see cref="WriteHints"/>: it is not worth waking a thread.
    /// </summary>
    /// <param name="mayLeave">The caller has time for a small write.</param>
    /// <returns>Whether the write is left to the caller, who must call <see cref="WriteHere"/> soon.</returns>
    public bool Write(Effects effects, bool mayLeave)
    {
        bool isHint = !effects.MustSync && effects.SendAfterPersist.Count == 0;
        bool isLeft;
        bool isAwaited;
        lock (_gate)
        {
            isLeft = mayLeave && !isHint && !_isWanted && !_isWriting && IsSmall(effects);
            _waiting.Add(effects);
            _unwrittenSlots += effects.Append.Count;
            _isWanted |= !isHint;
            isAwaited = !isHint && !isLeft && _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
        return isLeft;
    }

    /// <summary>Writes what waits on this thread, unless another has begun with it meanwhile.</summary>
    public void WriteHere()
    {
        lock (_gate)
        {
            if (_isWriting || !_isWanted)
            {
                return;
            }

            Take();
        }

        WriteTaken();
    }

    /// <summary>Has the hints written that have waited since. To be called now and then.</summary>
    public void WriteHints()
    {
        bool isAwaited = false;
        lock (_gate)
        {
            if (_waiting.Count > 0)
            {
                _isWanted = true;
                isAwaited = _signal.TakeExpected();
            }
        }

        _signal.WakeIf(isAwaited);
    }

    /// <summary>Writes what still waits and ends the thread.</summary>
    public void Dispose()
    {
        bool isAwaited;
        lock (_gate)
        {
            _isClosed = true;
            isAwaited = _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _signal.Dispose();
    }

    private static bool IsSmall(Effects effects)
    {
        long bytes = 0;
        foreach (LogEntry entry in effects.Append)
        {
            bytes += entry.Value.Payload.Length;
        }

        return bytes <= SmallWriteBytes;
    }

    private void Run()
    {
        while (WaitAndTake())
        {
            WriteTaken();
        }
    }

    /// <summary>False at the end, when nothing is left to write.</summary>
    private bool WaitAndTake()
    {
        while (true)
        {
            lock (_gate)
            {
                if (!_isWriting && (_isWanted || _isClosed))
                {
                    Take();
                    return _taken.Count > 0;
                }

                if (_hasFailed)
                {
                    return false;
                }

                _signal.Expect();
            }

            _signal.Wait();
        }
    }

    /// <summary>Under the gate: from here on the caller is the one that writes.</summary>
    private void Take()
    {
        _isWriting = true;
        _isWanted = false;
        (_taken, _waiting) = (_waiting, _taken);
    }

    private void WriteTaken()
    {
        try
        {
            foreach (Effects effects in _taken)
            {
                if (effects.HasLogWrite)
                {
                    _writes.Add(effects);
                }

                _released.AddRange(effects.SendAfterPersist);
            }

            if (_writes.Count > 0)
            {
                DateTime started = _traces.Now();
                _log.Write(_writes);
                _traces.LogSynced(_writes, started);
                NoteWritten();
            }

            if (_released.Count > 0)
            {
                _release(_released);
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
            return;
        }

        _taken.Clear();
        _writes.Clear();
        _released.Clear();
        bool isAwaited;
        lock (_gate)
        {
            _isWriting = false;
            isAwaited = (_isWanted || _isClosed) && _signal.TakeExpected();
        }

        _signal.WakeIf(isAwaited);
    }

    private void NoteWritten()
    {
        lock (_gate)
        {
            foreach (Effects effects in _writes)
            {
                _unwrittenSlots -= effects.Append.Count;
            }
        }
    }

    /// <summary>Nobody writes any more: what the disk holds is unknown.</summary>
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
    }
}
