using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Node.Replication;

/// <summary>
/// Makes log writes durable on a thread of its own (.NET has no asynchronous fsync): one write and one fsync for all that
/// waits, in order. What may be said only after the write is handed on only then.
/// </summary>
internal sealed class LogWriter : IDisposable
{
    private readonly IPaxosLog _log;
    private readonly Action<IReadOnlyList<Message>> _release;
    private readonly Action<Exception> _onFatal;
    private readonly Lock _gate = new();
    private readonly ThreadSignal _signal = new();
    private readonly Thread _thread;
    private List<Effects> _waiting = [];
    private bool _isWanted;
    private bool _isClosed;

    /// <param name="release">Gets the messages of the effects that are durable now, on this writer's thread.</param>
    public LogWriter(IPaxosLog log, Action<IReadOnlyList<Message>> release, Action<Exception> onFatal)
    {
        _log = log;
        _release = release;
        _onFatal = onFatal;
        _thread = new Thread(Run) { Name = "kv-log", IsBackground = true };
    }

    public void Start() => _thread.Start();

    /// <summary>
    /// Queues the write. One that is a hint only, and lets nobody wait, goes with the next that is more, or with
    /// <see cref="WriteHints"/>: it is not worth waking a thread.
    /// </summary>
    public void Write(Effects effects)
    {
        bool isHint = !effects.MustSync && effects.SendAfterPersist.Count == 0;
        bool isAwaited = false;
        lock (_gate)
        {
            _waiting.Add(effects);
            if (!isHint)
            {
                _isWanted = true;
                isAwaited = _signal.TakeExpected();
            }
        }

        _signal.WakeIf(isAwaited);
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

    private void Run()
    {
        try
        {
            var taken = new List<Effects>();
            var writes = new List<Effects>();
            var released = new List<Message>();
            while (Take(ref taken))
            {
                writes.Clear();
                released.Clear();
                foreach (Effects effects in taken)
                {
                    if (effects.HasLogWrite)
                    {
                        writes.Add(effects);
                    }

                    released.AddRange(effects.SendAfterPersist);
                }

                if (writes.Count > 0)
                {
                    _log.Write(writes);
                }

                if (released.Count > 0)
                {
                    _release(released);
                }
            }
        }
        catch (Exception exception)
        {
            _onFatal(exception);
        }
    }

    private bool Take(ref List<Effects> taken)
    {
        taken.Clear();
        while (true)
        {
            lock (_gate)
            {
                if (_isWanted || _isClosed)
                {
                    _isWanted = false;
                    (taken, _waiting) = (_waiting, taken);
                    return taken.Count > 0;
                }

                _signal.Expect();
            }

            _signal.Wait();
        }
    }
}
