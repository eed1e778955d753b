using KvCloud.Node.Replication;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Runs costly reads on a few dedicated threads: at most half of the cores, and at lower priority than all other
/// threads, so that consensus always finds a core. Thread-safe.
/// </summary>
/// <remarks>
/// The pool queues connections, each with the costly call at the front of its queue. A client that pipelines a thousand
/// ranges has one place, like every other client. Callers take turns, each for one time slice, and of one caller its
/// connections do. What an answer costs is known once it is written; until its caller has paid for it, the caller's
/// other calls have no turn.
/// </remarks>
internal sealed class ScanPool : IDisposable
{
    /// <summary>How often a thread that has nobody to serve looks whether a caller has paid.</summary>
    private const int LookMs = 2;

    private readonly object _gate = new();
    private readonly LinkedList<CallQueue> _waiting = new();
    private readonly RpcLimits _limits;
    private readonly IReplicaClock _clock;
    private Thread[] _threads = [];
    private int _admitted;
    private long _turns;
    private bool _isStopping;

    public ScanPool(RpcLimits limits, IReplicaClock clock)
    {
        _limits = limits;
        _clock = clock;
        MaxRunning = limits.MaxConcurrentScans > 0
            ? limits.MaxConcurrentScans
            : Math.Max(1, Environment.ProcessorCount / 2);
    }

    /// <summary>Costly reads that run concurrently.</summary>
    public int MaxRunning { get; }

    /// <summary>Costly reads that run or wait.</summary>
    public int Admitted => Volatile.Read(ref _admitted);

    /// <summary>
    /// Takes over the connection and its output lock, and runs <see cref="CallQueue.RunScan"/> in time slices. If there
    /// is no room, names the full limit for the error message.
    /// </summary>
    public bool TryQueue(CallQueue connection, out string? fullLimit)
    {
        lock (_gate)
        {
            if (_isStopping || _admitted >= MaxRunning + _limits.MaxQueuedScans)
            {
                fullLimit =
                    $"{_limits.MaxQueuedScans} connections already wait for costly reads (max_queued_scans)";
                return false;
            }

            fullLimit = null;
            _admitted++;
            _waiting.AddLast(connection.ScanNode);
            if (_threads.Length == 0)
            {
                Start();
            }

            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>True if the connection was waiting and was removed; the caller then holds the output lock.</summary>
    public bool TryRemove(CallQueue connection)
    {
        lock (_gate)
        {
            if (connection.ScanNode.List is null)
            {
                return false;
            }

            _waiting.Remove(connection.ScanNode);
            _admitted--;
            return true;
        }
    }

    /// <summary>Ends the threads. Calls still waiting are not answered.</summary>
    public void Dispose()
    {
        Thread[] threads;
        lock (_gate)
        {
            _isStopping = true;
            threads = _threads;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        while (TakeAny() is { } left)
        {
            left.Abandon();
            left.RunScan();
        }
    }

    private void Start()
    {
        _threads = [.. Enumerable.Range(0, MaxRunning).Select(index =>
            new Thread(Run) { IsBackground = true, Name = $"kv-scan-{index}" })];
        foreach (Thread thread in _threads)
        {
            thread.Start();
        }
    }

    private void Run()
    {
        ThreadNiceness.RaiseOfThisThread();
        while (TakeNext() is { } connection)
        {
            bool isThrough = connection.RunScan();
            lock (_gate)
            {
                if (isThrough)
                {
                    _admitted--;
                    continue;
                }

                _waiting.AddLast(connection.ScanNode);
                Monitor.Pulse(_gate);
            }

            connection.OnScanQueued();
        }
    }

    /// <summary>Waits for a connection whose turn it is; null when the pool is to end.</summary>
    private CallQueue? TakeNext()
    {
        lock (_gate)
        {
            while (!_isStopping)
            {
                if (FindNext() is { } next)
                {
                    _waiting.Remove(next.ScanNode);
                    next.Flow.LastScan = ++_turns;
                    return next;
                }

                Monitor.Wait(_gate, _waiting.Count == 0 ? Timeout.Infinite : LookMs);
            }
        }

        return null;
    }

    private CallQueue? TakeAny()
    {
        lock (_gate)
        {
            CallQueue? first = _waiting.First?.Value;
            if (first is not null)
            {
                _waiting.RemoveFirst();
            }

            return first;
        }
    }

    /// <summary>Of the callers that may go on, the one whose last turn is the longest ago.</summary>
    private CallQueue? FindNext()
    {
        CallQueue? next = null;
        long nowMs = _clock.NowMs;
        foreach (CallQueue waiting in _waiting)
        {
            if ((next is null || waiting.Flow.LastScan < next.Flow.LastScan) && waiting.MayScan(nowMs))
            {
                next = waiting;
            }
        }

        return next;
    }
}
