using KvCloud.Consensus;
using KvCloud.Node.Replication.Workers;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The workers of one start of a node, as events: the seed says when a thread that was woken runs, whether who brings
/// work runs it or loses it to another thread, and how long a run takes. So log, apply and consensus meet in every
/// order.
/// </summary>
/// <remarks>
/// A run that needs the disk is one operation of the <see cref="SimDisk"/>: it begins at its first call, and what it
/// did is undone from some point on if the node crashes before its time is over.
/// </remarks>
internal sealed class SimWorkers(SimNode node, SimWorld world, Action<Exception> onFailure) : IWorkers
{
    private const int MaxInlineRuns = 4;

    /// <summary>How often a thread that brings work finds that it does not get to run it.</summary>
    private const int PreemptedPerMille = 150;

    private readonly SortedDictionary<Station, Worker> _workers = [];
    private readonly Queue<Action> _waitingForDisk = [];
    private Slot _firstSlot = new(1);
    private bool _hasFailed;

    /// <summary>Whether no run is on its way, and none is wanted.</summary>
    public bool IsIdle => _workers.Values.All(worker => !worker.IsBusy && !worker.Work.IsDue(RunReason.Woken));

    public void Add(Station station, IWork work) => _workers.Add(station, new Worker(station, work));

    public void Start()
    {
        foreach (Worker worker in _workers.Values)
        {
            Sleep(worker);
        }
    }

    public void Wake(Station station)
    {
        Worker worker = _workers[station];
        if (!worker.IsBusy)
        {
            WakeThread(worker);
        }
    }

    public void RunInline(Station station, InlineWork allowed) => RunInline(_workers[station], allowed, depth: 0);

    public void Stop(Station station) => throw new NotSupportedException("a simulated node ends by a crash");

    public void Dispose()
    {
    }

    private void RunInline(Worker worker, InlineWork allowed, int depth)
    {
        for (int runs = 0; worker.Work.IsDue(RunReason.Inline); runs++)
        {
            if (worker.IsBusy || _hasFailed)
            {
                return;
            }

            if (runs == MaxInlineRuns || world.Random.Chance(PreemptedPerMille))
            {
                WakeThread(worker);
                return;
            }

            Run(worker, RunReason.Inline, allowed, depth);
        }
    }

    private void WakeThread(Worker worker)
    {
        if (!worker.IsWoken)
        {
            worker.IsWoken = true;
            long delayUs = world.Random.Chance(20) ? world.Random.Next(5_000) : world.Random.Next(100);
            node.Later(delayUs, () =>
            {
                worker.IsWoken = false;
                RunOwn(worker, RunReason.Woken);
            });
        }
    }

    private void Sleep(Worker worker)
    {
        long number = ++worker.Sleeps;
        int sleepMs = worker.Work.MaxSleepMs;
        if (sleepMs != Timeout.Infinite)
        {
            node.Later(node.WorldUsOf(sleepMs), () =>
            {
                if (number == worker.Sleeps)
                {
                    RunOwn(worker, RunReason.TimedOut);
                }
            });
        }
    }

    private void RunOwn(Worker worker, RunReason reason)
    {
        if (_hasFailed)
        {
            return;
        }

        Sleep(worker);
        if (!worker.IsBusy)
        {
            Run(worker, reason, InlineWork.None, depth: 0);
        }
    }

    private void Run(Worker worker, RunReason reason, InlineWork allowed, int depth)
    {
        worker.IsBusy = true;
        if (!Guarded(() => worker.HasBegun = worker.Work.TryBegin(reason)))
        {
            return;
        }

        if (!worker.HasBegun)
        {
            End(worker, default, allowed, depth);
            return;
        }

        switch (worker.Station)
        {
            case Station.Log or Station.Trim or Station.Snapshots or Station.Incoming or Station.Rebuild
                or Station.Scrub:
                BeginOnDisk(worker, allowed, depth);
                break;
            case Station.Apply or Station.CatchUp:
                long executeUs = world.Random.Next(world.Profile.ApplyMaxMs * 1_000);
                node.Later(executeUs, () =>
                {
                    if (Guarded(worker.Work.Execute))
                    {
                        node.Later(world.Random.Next(200), () => Complete(worker, allowed, depth));
                    }
                });
                break;
            default:
                if (Guarded(worker.Work.Execute))
                {
                    Complete(worker, allowed, depth);
                }

                break;
        }
    }

    private void BeginOnDisk(Worker worker, InlineWork allowed, int depth)
    {
        if (node.Disk.IsBusy)
        {
            _waitingForDisk.Enqueue(() => BeginOnDisk(worker, allowed, depth));
            return;
        }

        NodeId? receiver = depth > 0 ? node.Transport!.Receiving : null;
        if (receiver is NodeId held)
        {
            // The thread that brought the message writes the log itself, and reads nothing meanwhile.
            node.Transport!.Hold(held);
        }

        node.OnDisk(
            () => Guarded(worker.Work.Execute),
            () =>
            {
                Complete(worker, allowed, depth);
                DiskIsFree();
                if (receiver is NodeId released)
                {
                    node.Transport?.Release(released);
                }
            });
    }

    /// <summary>Whoever waits for the disk goes on with it.</summary>
    public void DiskIsFree()
    {
        if (!node.Disk.IsBusy && _waitingForDisk.TryDequeue(out Action? next))
        {
            next();
        }
    }

    private void Complete(Worker worker, InlineWork allowed, int depth)
    {
        if (worker.Station == Station.Trim && node.Log!.FirstSlot > _firstSlot)
        {
            _firstSlot = node.Log.FirstSlot;
            world.Reached.Trims++;
        }

        FollowUp followUp = default;
        if (!_hasFailed && Guarded(() => followUp = worker.Work.Complete()))
        {
            End(worker, followUp, allowed, depth);
        }
    }

    private void End(Worker worker, in FollowUp followUp, InlineWork allowed, int depth)
    {
        worker.IsBusy = false;
        RunFollowUps(followUp, worker, allowed, depth);
        if (worker.Work.IsDue(RunReason.Woken) && !worker.IsBusy)
        {
            WakeThread(worker);
        }
    }

    private void RunFollowUps(in FollowUp followUp, Worker by, InlineWork allowed, int depth)
    {
        if (followUp.SleepsShorter)
        {
            WakeThread(by);
        }

        RunFollowUps(followUp.Log, Station.Log, allowed == InlineWork.Log, InlineWork.None, depth);
        RunFollowUps(followUp.Apply, Station.Apply, allowed == InlineWork.Apply, InlineWork.None, depth);
        RunFollowUps(followUp.Consensus, Station.Consensus, true, InlineWork.Apply, depth);
    }

    private void RunFollowUps(Due due, Station station, bool hasTime, InlineWork allowed, int depth)
    {
        if (due == Due.Inline && hasTime && depth < MaxInlineRuns)
        {
            RunInline(_workers[station], allowed, depth + 1);
        }
        else if (due != Due.No)
        {
            Wake(station);
        }
    }

    private bool Guarded(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception exception) when (node.IsExpected(exception))
        {
            Fail(exception);
            return false;
        }
    }

    private void Fail(Exception exception)
    {
        if (_hasFailed)
        {
            return;
        }

        _hasFailed = true;
        onFailure(exception);
        foreach (Worker worker in _workers.Values)
        {
            node.Later(world.Random.Next(2_000), worker.Work.Abandon);
        }
    }

    private sealed class Worker(Station station, IWork work)
    {
        public Station Station => station;

        public IWork Work => work;

        public bool IsBusy { get; set; }

        public bool IsWoken { get; set; }

        public bool HasBegun { get; set; }

        /// <summary>Grows with each sleep: the end of an older one is not the thread's any more.</summary>
        public long Sleeps { get; set; }
    }
}
