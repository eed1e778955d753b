using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc.Flows;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Runs costly reads on a few dedicated threads: at most half of the cores, and at lower priority than all other
/// threads, so that consensus always finds a core. Thread-safe.
/// </summary>
/// <remarks>
/// The pool queues connections, each with the costly call at the front of its queue. A client that pipelines a thousand
/// ranges has one place, like every other client. Callers take turns, each for one time slice, and of one caller its
/// connections do. What an answer costs is known once it is written; until its caller has paid for it, none of the
/// caller's calls has a turn, unless to answer TIMEOUT.
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
    private bool _isLooking;
    private volatile bool _isDraining;
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
    /// <param name="flow">Whose the costly call at the front is.</param>
    public bool TryQueue(CallQueue connection, RpcFlow flow, out string? fullLimit)
    {
        lock (_gate)
        {
            int limit = MaxRunning + _limits.MaxQueuedScans;
            fullLimit = _isStopping || _admitted >= limit
                ? $"{_limits.MaxQueuedScans} connections already wait for costly reads (max_queued_scans)"
                : FairShare.IsUsedUp(flow.Scans, _admitted, limit)
                    ? "max_queued_scans: " + FairShare.Describe(flow.Name, flow.Scans, "connections with costly reads")
                    : null;
            if (fullLimit is not null)
            {
                return false;
            }

            connection.ScanFlow = flow;
            flow.Scans++;
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
            Leave(connection.ScanFlow!);
            return true;
        }
    }

    /// <summary>From now on no read waits for a rate or pace of its caller: the node is stopping.</summary>
    public void Drain() => _isDraining = true;

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
            RpcFlow flow = connection.ScanFlow!;
            bool isThrough = connection.RunScan();
            lock (_gate)
            {
                if (isThrough)
                {
                    Leave(flow);
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
                    next.ScanFlow!.LastScan = ++_turns;
                    if (_waiting.Count > 0)
                    {
                        Monitor.Pulse(_gate);
                    }

                    return next;
                }

                WaitForMore();
            }
        }

        return null;
    }

    /// <summary>Of the threads that have nobody to serve one looks again; the others are woken.</summary>
    private void WaitForMore()
    {
        if (_waiting.Count == 0 || _isLooking)
        {
            Monitor.Wait(_gate);
            return;
        }

        _isLooking = true;
        Monitor.Wait(_gate, LookMs);
        _isLooking = false;
    }

    /// <summary>The connection has left the pool. Called under the lock.</summary>
    private void Leave(RpcFlow flow)
    {
        flow.Scans--;
        _admitted--;
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
            if ((next is null || waiting.ScanFlow!.LastScan < next.ScanFlow!.LastScan)
                && (_isDraining || waiting.MayScan(nowMs)))
            {
                next = waiting;
            }
        }

        return next;
    }
}
