namespace KvCloud.Node.Replication.Workers;

/// <summary>The result of an attempt to run a worker.</summary>
internal enum RunResult
{
    /// <summary>Another thread is running it, and checks for work once more when its run is over.</summary>
    Busy = 0,

    /// <summary>There was nothing to do.</summary>
    Idle = 1,

    Ran = 2,
}

/// <summary>
/// One worker: at most one thread at a time runs its work, its own or one that brought it. A thread that finds it busy
/// leaves, because the running thread checks once more before it goes.
/// </summary>
/// <remarks>
/// The thread is woken by an event that is set outside of all locks. With Monitor.Pulse the woken thread finds the lock
/// taken and sleeps again: on one core 20 microseconds per thread switch, against 8 with this. An event that nobody
/// waits for is not set at all.
/// </remarks>
internal sealed class WorkerThread : IDisposable
{
    private readonly AutoResetEvent _event = new(initialState: false);
    private readonly ThreadWorkers _workers;
    private readonly Station _station;
    private readonly IWork _work;
    private readonly Thread _thread;
    private int _isBusy;
    private int _isWoken;
    private int _isSleeping;
    private int _isEnded;
    private volatile bool _isStopping;

    public WorkerThread(ThreadWorkers workers, Station station, IWork work)
    {
        _workers = workers;
        _station = station;
        _work = work;
        _thread = new Thread(Loop)
        {
            Name = $"kv-{station.ToString().ToLowerInvariant()}",
            IsBackground = true,
            Priority = station == Station.Consensus ? ThreadPriority.AboveNormal : ThreadPriority.Normal,
        };
    }

    public bool IsCurrent => Thread.CurrentThread == _thread;

    public void Start() => _thread.Start();

    public bool IsDue(RunReason reason) => _work.IsDue(reason);

    /// <summary>Wakes the thread, unless the worker is running: that run checks for work once more.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isBusy) == 0)
        {
            WakeThread();
        }
    }

    /// <summary>Wakes the thread even if the worker is running.</summary>
    public void WakeThread()
    {
        if (Interlocked.Exchange(ref _isWoken, 1) != 0 || Volatile.Read(ref _isSleeping) == 0)
        {
            return;
        }

        try
        {
            _event.Set();
        }
        catch (ObjectDisposedException)
        {
            // The thread to be woken has already ended.
        }
    }

    /// <summary>Runs the work once, on this thread.</summary>
    public RunResult TryRun(RunReason reason, out FollowUp followUp)
    {
        followUp = default;
        if (_workers.HasFailed || Interlocked.CompareExchange(ref _isBusy, 1, 0) != 0)
        {
            return RunResult.Busy;
        }

        try
        {
            if (!_work.TryBegin(reason))
            {
                return RunResult.Idle;
            }

            _work.Execute();
            followUp = _work.Complete();
            return RunResult.Ran;
        }
        catch (Exception exception)
        {
            // The state of the work in memory or on disk is unknown: nothing may run any more.
            _workers.Fail(exception);
            return RunResult.Busy;
        }
        finally
        {
            // A full fence: the check that follows sees whatever was added before another thread found this busy.
            Interlocked.Exchange(ref _isBusy, 0);
        }
    }

    /// <summary>Finishes what is due and ends the thread. The work never runs again.</summary>
    public void Stop()
    {
        _isStopping = true;
        WakeThread();
        if (_thread.IsAlive && !IsCurrent)
        {
            _thread.Join();
        }

        End();
    }

    public void Dispose() => _event.Dispose();

    private void Loop()
    {
        while (!_isStopping && !_workers.HasFailed)
        {
            RunReason reason = Sleep() ? RunReason.Woken : RunReason.TimedOut;
            do
            {
                RunResult result = TryRun(reason, out FollowUp followUp);
                if (result == RunResult.Busy)
                {
                    break;
                }

                _workers.RunFollowUps(followUp, this, InlineWork.None, depth: 0);
                reason = RunReason.Woken;
            }
            while (!_isStopping && _work.IsDue(reason));
        }

        var spin = default(SpinWait);
        while (!_workers.HasFailed && _work.IsDue(RunReason.Woken))
        {
            if (TryRun(RunReason.Woken, out FollowUp followUp) == RunResult.Busy)
            {
                spin.SpinOnce();
            }

            _workers.RunFollowUps(followUp, this, InlineWork.None, depth: 0);
        }

        End();
    }

    /// <summary>False when the sleep timed out.</summary>
    private bool Sleep()
    {
        Interlocked.Exchange(ref _isSleeping, 1);
        bool isWoken = Volatile.Read(ref _isWoken) != 0 || _event.WaitOne(_work.MaxSleepMs);
        Volatile.Write(ref _isSleeping, 0);
        return (Interlocked.Exchange(ref _isWoken, 0) != 0) | isWoken;
    }

    /// <summary>Takes the work for good.</summary>
    private void End()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0)
        {
            return;
        }

        SpinWait.SpinUntil(() => Interlocked.CompareExchange(ref _isBusy, 1, 0) == 0);
        if (_workers.HasFailed)
        {
            SpinWait.SpinUntil(() => _workers.IsFailureReported);
            try
            {
                _work.Abandon();
            }
            catch (Exception exception)
            {
                // The process is already stopping; this exception must not end it before the other callers have their
                // answers.
                _workers.Tell(exception);
            }
        }
    }
}
