using KvCloud.Consensus;

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
    private readonly object _gate = new();
    private readonly Thread _thread;
    private List<Effects> _waiting = [];
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

    public void Write(Effects effects)
    {
        lock (_gate)
        {
            _waiting.Add(effects);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Writes what still waits and ends the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }

        if (_thread.IsAlive)
        {
            _thread.Join();
        }
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
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_isClosed)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            taken.Clear();
            (taken, _waiting) = (_waiting, taken);
            return true;
        }
    }
}
