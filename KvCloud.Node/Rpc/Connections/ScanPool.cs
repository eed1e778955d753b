namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Where costly reads run: a few threads of their own, at most half of the cores and with less priority than the rest,
/// so that consensus, which must not wait, always finds a core. Thread-safe.
/// </summary>
/// <remarks>
/// What waits here is connections, each with the costly call at the front of its queue: a client that pipelines a
/// thousand ranges has one place, as everybody else has. A call that is not through after its time slice goes to the
/// end.
/// </remarks>
internal sealed class ScanPool : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _waitingCount = new(0);
    private readonly LinkedList<CallQueue> _waiting = new();
    private readonly RpcLimits _limits;
    private Thread[] _threads = [];
    private int _admitted;
    private bool _isStopping;

    public ScanPool(RpcLimits limits)
    {
        _limits = limits;
        MaxRunning = limits.MaxConcurrentScans > 0
            ? limits.MaxConcurrentScans
            : Math.Max(1, Environment.ProcessorCount / 2);
    }

    /// <summary>Costly reads that run at once.</summary>
    public int MaxRunning { get; }

    /// <summary>Costly reads that run or wait.</summary>
    public int Admitted => Volatile.Read(ref _admitted);

    /// <summary>
    /// Takes the connection, and with it the output lock, of which it is given time slices by
    /// <see cref="CallQueue.RunScan"/>. If there is no room, the limit that is full, for people.
    /// </summary>
    public bool TryQueue(CallQueue connection, out string? fullLimit)
    {
        lock (_gate)
        {
            if (_isStopping || _admitted >= MaxRunning + _limits.MaxQueuedScans)
            {
                fullLimit =
                    $"{_limits.MaxQueuedScans} connections wait in this node for costly reads (max_queued_scans)";
                return false;
            }

            fullLimit = null;
            _admitted++;
            _waiting.AddLast(connection.ScanNode);
            if (_threads.Length == 0)
            {
                Start();
            }
        }

        _waitingCount.Release();
        return true;
    }

    /// <summary>Whether the connection was waiting and now is not any more: the output lock is the caller's.</summary>
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

    /// <summary>Ends the threads. What still waits is answered no more.</summary>
    public void Dispose()
    {
        Thread[] threads;
        lock (_gate)
        {
            _isStopping = true;
            threads = _threads;
        }

        if (threads.Length > 0)
        {
            _waitingCount.Release(threads.Length);
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        while (TryTake() is CallQueue left)
        {
            left.Abandon();
            left.RunScan();
        }

        _waitingCount.Dispose();
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
        while (true)
        {
            _waitingCount.Wait();
            if (Volatile.Read(ref _isStopping))
            {
                return;
            }

            if (TryTake() is not CallQueue connection)
            {
                continue;
            }

            bool isThrough = connection.RunScan();
            lock (_gate)
            {
                if (isThrough)
                {
                    _admitted--;
                    continue;
                }

                _waiting.AddLast(connection.ScanNode);
            }

            _waitingCount.Release();
            connection.OnScanQueued();
        }
    }

    private CallQueue? TryTake()
    {
        lock (_gate)
        {
            if (_waiting.First is not LinkedListNode<CallQueue> first)
            {
                return null;
            }

            _waiting.RemoveFirst();
            return first.Value;
        }
    }
}
