using KvCloud.Node.Replication.Workers;

namespace KvCloud.Tests.Node.Replication.Workers;

public sealed class ThreadWorkersTests : IDisposable
{
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(30);

    private readonly ThreadWorkers _workers;
    private readonly CountingWork _log = new();
    private readonly CountingWork _consensus = new();
    private readonly CountingWork _apply = new();
    private volatile Exception? _failure;

    public ThreadWorkersTests()
    {
        _workers = new ThreadWorkers(exception => _failure = exception);
        _workers.Add(Station.Consensus, _consensus);
        _workers.Add(Station.Log, _log);
        _workers.Add(Station.Apply, _apply);
        _workers.Start();
    }

    public void Dispose()
    {
        foreach (Station station in (Station[])[Station.Consensus, Station.Log, Station.Apply])
        {
            _workers.Stop(station);
        }

        _workers.Dispose();
    }

    [Fact]
    public void Wake_runs_on_the_own_thread()
    {
        _log.Add(1);
        _workers.Wake(Station.Log);

        _log.AwaitDone(1);
        Assert.NotEqual(Environment.CurrentManagedThreadId, _log.LastThread);
    }

    [Fact]
    public void RunInline_runs_on_this_thread_until_nothing_is_due()
    {
        _log.Add(1);
        _log.OnExecute = () =>
        {
            _log.OnExecute = null;
            _log.Add(1);
        };

        _workers.RunInline(Station.Log, InlineWork.None);

        Assert.Equal((2, Environment.CurrentManagedThreadId), (_log.Done, _log.LastThread));
    }

    [Fact]
    public void RunInline_what_follows_and_is_small_runs_here_too_if_there_is_time_for_it()
    {
        _consensus.FollowUp = new FollowUp(Due.No, Due.Inline, Due.Inline);
        _consensus.OnExecute = () =>
        {
            _log.Add(1);
            _apply.Add(1);
        };
        _consensus.Add(1);

        _workers.RunInline(Station.Consensus, InlineWork.Log);

        Assert.Equal((1, Environment.CurrentManagedThreadId), (_log.Done, _log.LastThread));
        _apply.AwaitDone(1);
        Assert.NotEqual(Environment.CurrentManagedThreadId, _apply.LastThread);
    }

    [Fact]
    public void RunInline_what_came_while_a_small_write_ran_is_for_the_own_thread()
    {
        _consensus.FollowUp = new FollowUp(Due.No, Due.Inline, Due.No);
        _consensus.OnExecute = () => _log.Add(1);
        _log.OnExecute = () =>
        {
            _log.OnExecute = null;
            _log.Add(1);
        };
        _consensus.Add(1);

        _workers.RunInline(Station.Consensus, InlineWork.Log);

        _log.AwaitDone(2);
        Assert.NotEqual(Environment.CurrentManagedThreadId, _log.LastThread);
    }

    [Fact]
    public void RunInline_after_a_log_write_the_same_thread_steps_consensus_and_applies()
    {
        _log.FollowUp = new FollowUp(Due.Inline, Due.No, Due.No);
        _log.OnExecute = () => _consensus.Add(1);
        _consensus.FollowUp = new FollowUp(Due.No, Due.No, Due.Inline);
        _consensus.OnExecute = () => _apply.Add(1);
        _log.Add(1);

        _workers.RunInline(Station.Log, InlineWork.None);

        int self = Environment.CurrentManagedThreadId;
        Assert.Equal((self, self, self), (_log.LastThread, _consensus.LastThread, _apply.LastThread));
        Assert.Equal((1, 1, 1), (_log.Done, _consensus.Done, _apply.Done));
    }

    [Fact]
    public void RunInline_of_a_busy_worker_returns_and_the_work_is_done_by_who_is_at_it()
    {
        using var isAtIt = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        _log.OnExecute = () =>
        {
            isAtIt.Set();
            mayGoOn.Wait(Enough);
        };
        _log.Add(1);
        _workers.Wake(Station.Log);
        Assert.True(isAtIt.Wait(Enough));

        _log.Add(1);
        _workers.RunInline(Station.Log, InlineWork.None);
        Assert.Equal(0, _log.Done);

        mayGoOn.Set();
        _log.AwaitDone(2);
    }

    [Fact]
    public void RunInline_leaves_the_rest_to_the_own_thread_after_some_runs()
    {
        int self = Environment.CurrentManagedThreadId;
        int left = 100;
        int runsHere = 0;
        _log.OnExecute = () =>
        {
            runsHere += Environment.CurrentManagedThreadId == self ? 1 : 0;
            if (--left > 0)
            {
                _log.Add(1);
            }
        };
        _log.Add(1);
        _workers.RunInline(Station.Log, InlineWork.None);

        _log.AwaitDone(100);
        Assert.InRange(runsHere, 1, 10);
    }

    [Fact]
    public void Loop_that_nobody_wakes_times_out_and_sleeps_shorter_when_told()
    {
        _consensus.MaxSleepMs = 5;
        _consensus.FollowUp = new FollowUp(Due.No, Due.No, Due.No, SleepsShorter: true);
        _consensus.Add(1);

        _workers.RunInline(Station.Consensus, InlineWork.None);

        Assert.True(SpinWait.SpinUntil(() => _consensus.TimedOut > 2, Enough));
    }

    [Fact]
    public void Stop_what_is_due_is_done_and_nothing_runs_afterwards()
    {
        _log.Add(3);
        _workers.Stop(Station.Log);
        Assert.Equal(3, _log.Done);

        _log.Add(1);
        _workers.Wake(Station.Log);
        _workers.RunInline(Station.Log, InlineWork.None);
        Assert.Equal(3, _log.Done);
    }

    [Fact]
    public void Fail_of_one_ends_all_and_each_abandons_what_waits()
    {
        _log.OnExecute = () => throw new InvalidOperationException("broken");
        _log.Add(1);
        _workers.RunInline(Station.Log, InlineWork.None);

        Assert.IsType<InvalidOperationException>(_failure);
        Assert.True(SpinWait.SpinUntil(
            () => _log.Abandoned == 1 && _consensus.Abandoned == 1 && _apply.Abandoned == 1, Enough));
        _consensus.Add(1);
        _workers.RunInline(Station.Consensus, InlineWork.None);
        _workers.Wake(Station.Consensus);
        _workers.Stop(Station.Consensus);
        Assert.Equal((0, 1), (_consensus.Done, _consensus.Abandoned));
    }

    [Fact]
    public void RunInline_of_one_worker_never_overlaps_and_no_work_is_left()
    {
        const int Count = 20_000;
        int inside = 0;
        int overlaps = 0;
        _log.OnExecute = () =>
        {
            overlaps += Interlocked.Increment(ref inside) - 1;
            Interlocked.Decrement(ref inside);
        };
        Parallel.For(0, 4, caller =>
        {
            var random = new Random(caller);
            for (int i = 0; i < Count; i++)
            {
                _log.Add(1);
                if (random.Next(3) == 0)
                {
                    _workers.Wake(Station.Log);
                }
                else
                {
                    _workers.RunInline(Station.Log, InlineWork.None);
                }
            }
        });

        _log.AwaitDone(4 * Count);
        Assert.Equal(0, overlaps);
    }

    private sealed class CountingWork : IWork
    {
        private readonly Lock _gate = new();
        private int _waiting;
        private int _taken;
        private int _done;
        private int _timedOut;

        public int MaxSleepMs { get; set; } = Timeout.Infinite;

        public Action? OnExecute { get; set; }

        public FollowUp FollowUp { get; set; }

        public int Done => Volatile.Read(ref _done);

        public int TimedOut => Volatile.Read(ref _timedOut);

        public int Abandoned { get; private set; }

        public int LastThread { get; private set; }

        public void Add(int count)
        {
            lock (_gate)
            {
                _waiting += count;
            }
        }

        public void AwaitDone(int count) =>
            Assert.True(SpinWait.SpinUntil(() => Done == count, Enough), $"{Done} of {count} are done");

        public bool IsDue(RunReason reason)
        {
            lock (_gate)
            {
                return _waiting > 0;
            }
        }

        public bool TryBegin(RunReason reason)
        {
            if (reason == RunReason.TimedOut)
            {
                Interlocked.Increment(ref _timedOut);
            }

            lock (_gate)
            {
                _taken = _waiting;
                _waiting = 0;
                return _taken > 0;
            }
        }

        public void Execute()
        {
            LastThread = Environment.CurrentManagedThreadId;
            OnExecute?.Invoke();
        }

        public FollowUp Complete()
        {
            Interlocked.Add(ref _done, _taken);
            return FollowUp;
        }

        public void Abandon() => Abandoned++;
    }
}
