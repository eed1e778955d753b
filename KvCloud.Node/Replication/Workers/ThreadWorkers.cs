namespace KvCloud.Node.Replication.Workers;

/// <summary>
/// Runs the workers of a replica on threads. Where possible, the thread that brings work (a peer's receiving thread, or
/// the log's) runs it: that saves a thread switch per message. Small follow-up work runs to completion on the same
/// thread.
/// </summary>
/// <param name="onFailure">Receives the first exception of a run, on the thread that failed; no further run begins
/// after it.</param>
internal sealed class ThreadWorkers(Action<Exception> onFailure) : IWorkers
{
    /// <summary>Consecutive runs by a thread that has other work; the worker's own thread does the rest.</summary>
    private const int MaxInlineRuns = 4;

    private readonly WorkerThread?[] _workers = new WorkerThread?[Enum.GetValues<Station>().Length];
    private int _hasFailed;
    private volatile bool _isFailureReported;

    /// <summary>
    /// Whether the replica has been told of the failure: nobody is answered on its behalf before that.
    /// </summary>
    public bool IsFailureReported => _isFailureReported;

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

    /// <summary>No further run begins. The workers' threads end and answer everybody who waits.</summary>
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
                _isFailureReported = true;
            }
        }

        foreach (WorkerThread? worker in _workers)
        {
            worker?.WakeThread();
        }
    }

    /// <summary>Reports a further exception after the failure.</summary>
    public void Tell(Exception exception) => onFailure(exception);

    /// <summary>Runs the follow-up work of a run on this thread, or wakes the workers concerned.</summary>
    /// <param name="depth">Nested runs on this thread so far.</param>
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
            // Work that arrived during the run must not wait for the disk.
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
            // The thread that wrote the log may also apply the write that is chosen by it.
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

    /// <summary>Runs small, lone work; anything that has arrived since is left to the worker's own thread.</summary>
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
