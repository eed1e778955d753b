namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Runs costly reads on a few dedicated threads: at most half of the cores, and at lower priority than all other
/// threads, so that consensus always finds a core. Thread-safe.
/// </summary>
/// <remarks>
/// The pool queues connections, each with the costly call at the front of its queue. A client that pipelines a thousand
/// ranges has one place, like every other client. A call that has not finished after its time slice goes to the end of
/// the queue.
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
        }

        _waitingCount.Release();
        return true;
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
