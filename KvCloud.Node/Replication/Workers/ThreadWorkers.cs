namespace KvCloud.Node.Replication.Workers;

/// <summary>
/// The workers of a replica on threads. Who brings work runs it where it can, a peer's receiving thread or the log's:
/// that spares a change of threads for each message. Small work that follows from it the same thread runs to
/// completion.
/// </summary>
/// <param name="onFailure">Gets the first exception of a run, after which no other run begins. On the thread that
/// failed.</param>
internal sealed class ThreadWorkers(Action<Exception> onFailure) : IWorkers
{
    /// <summary>Runs on end by a thread that has work of its own; the worker's thread does the rest.</summary>
    private const int MaxInlineRuns = 4;

    private readonly WorkerThread?[] _workers = new WorkerThread?[Enum.GetValues<Station>().Length];
    private int _hasFailed;
    private volatile bool _isFailureTold;

    /// <summary>Whether the replica knows that it has failed: only then is anybody answered for it.</summary>
    public bool IsFailureTold => _isFailureTold;

    public bool HasFailed => Volatile.Read(ref _hasFailed) != 0;

    public void Add(Station station, IWork work) => _workers[(int)station] = new WorkerThread(this, station, work);

    public void Start()
    {
        foreach (WorkerThread? worker in _workers)
        {
            worker?.Start();
        }
    }

    public void Wake(Station station) => Of(station).Wake();

    public void RunInline(Station station, InlineWork allowed) => RunInline(Of(station), allowed, depth: 0);

    public void Stop(Station station) => Of(station).Stop();

    /// <summary>No run begins any more. The workers' threads end, and answer what waits.</summary>
    public void Fail(Exception exception)
    {
        if (Interlocked.Exchange(ref _hasFailed, 1) == 0)
        {
            try
            {
                onFailure(exception);
            }
            finally
            {
                _isFailureTold = true;
            }
        }

        foreach (WorkerThread? worker in _workers)
        {
            worker?.WakeThread();
        }
    }

    /// <summary>Another thing that went wrong after the failure.</summary>
    public void Tell(Exception exception) => onFailure(exception);

    /// <summary>Takes on what a run has left to be done, or has it done.</summary>
    /// <param name="depth">Runs on this thread that led here.</param>
    public void RunFollowUps(in FollowUp followUp, WorkerThread by, InlineWork allowed, int depth)
    {
        bool isLogHere = followUp.Log == Due.Inline && allowed == InlineWork.Log && depth < MaxInlineRuns;
        bool isApplyHere = followUp.Apply == Due.Inline && allowed == InlineWork.Apply && depth < MaxInlineRuns;
        bool isConsensusHere = followUp.Consensus == Due.Inline && depth < MaxInlineRuns;
        WakeFor(followUp.Log, isLogHere, Station.Log);
        WakeFor(followUp.Apply, isApplyHere, Station.Apply);
        WakeFor(followUp.Consensus, isConsensusHere, Station.Consensus);
        if (followUp.SleepsShorter && !by.IsCurrent)
        {
            by.WakeThread();
        }

        if ((isLogHere || isApplyHere) && by.IsDue(RunReason.Woken))
        {
            // What came during the run must not wait for the disk.
            by.WakeThread();
        }

        if (isLogHere)
        {
            RunOnce(Of(Station.Log), depth + 1);
        }

        if (isApplyHere)
        {
            RunOnce(Of(Station.Apply), depth + 1);
        }

        if (isConsensusHere)
        {
            // Whoever wrote the log has time for the write that is chosen by it.
            RunInline(Of(Station.Consensus), InlineWork.Apply, depth + 1);
        }
    }

    public void Dispose()
    {
        foreach (WorkerThread? worker in _workers)
        {
            worker?.Dispose();
        }
    }

    private void RunInline(WorkerThread worker, InlineWork allowed, int depth)
    {
        for (int runs = 0; worker.IsDue(RunReason.Inline); runs++)
        {
            if (runs == MaxInlineRuns)
            {
                worker.WakeThread();
                return;
            }

            if (worker.TryRun(RunReason.Inline, out FollowUp followUp) == RunResult.Busy)
            {
                return;
            }

            RunFollowUps(followUp, worker, allowed, depth);
        }
    }

    /// <summary>What was small and alone; what has come since is for the worker's own thread.</summary>
    private void RunOnce(WorkerThread worker, int depth)
    {
        if (worker.TryRun(RunReason.Inline, out FollowUp followUp) != RunResult.Busy)
        {
            RunFollowUps(followUp, worker, InlineWork.None, depth);
            if (worker.IsDue(RunReason.Woken))
            {
                worker.WakeThread();
            }
        }
    }

    private void WakeFor(Due due, bool isDoneHere, Station station)
    {
        if (due != Due.No && !isDoneHere)
        {
            Of(station).Wake();
        }
    }

    private WorkerThread Of(Station station) =>
        _workers[(int)station] ?? throw new InvalidOperationException($"there is no worker for {station}");
}
