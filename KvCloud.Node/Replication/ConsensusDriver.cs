using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Transport;
using KvCloud.Protocol;

namespace KvCloud.Node.Replication;

/// <summary>
/// Owns <see cref="PaxosNode"/> and drives it in turns: a turn lets time pass, steps what came, proposes what waits, and
/// carries out the effects in their order. Own log write and sends go side by side; applying runs apart from committing.
/// </summary>
/// <remarks>
/// One thread at a time takes turns. Whoever brings messages, a peer's receiving thread or the log's, takes the turn for
/// them itself unless another thread is at it, which then takes the next one: that spares a change of threads for each
/// message. Writes and reads wait for the loop's own thread, so that what comes together goes together.
/// </remarks>
internal sealed class ConsensusDriver : IDisposable
{
    private const int CatchUpChunkBytes = 1024 * 1024;
    private const int ExpireEveryTicks = 5;

    /// <summary>How often the loop looks whether writes have waited long enough for company.</summary>
    private const int GatheringTickMs = 1;

    /// <summary>Turns that a thread takes on end before it leaves the rest to the loop: it has work of its own.</summary>
    private const int MaxTurnsOnEnd = 4;

    private readonly PaxosNode _node;
    private readonly IPaxosLog _log;
    private readonly IConsensusTransport _transport;
    private readonly ApplyLoop _applyLoop;
    private readonly KvStoreExecutor _executor;
    private readonly Slot _restoredApplied;
    private readonly ReplicationOptions _options;
    private readonly ReplicaClock _clock = new();
    private readonly DriverInbox _inbox;
    private readonly ProposalQueue _proposals;
    private readonly LogWriter _logWriter;
    private readonly Action<Exception> _onFatal;
    private readonly Thread _thread;
    private readonly Dictionary<long, ReadBatch> _readsInFlight = [];
    private readonly List<ReadBatch> _readsWaiting = [];
    private volatile ReplicaStatus _status;
    private volatile bool _isStopping;

    /// <summary>Whether a write that comes now will have no company, and so need not wait for the loop's thread.</summary>
    private volatile bool _isWriteAlone;
    private bool _isDisposed;
    private long _leaseUntil;
    private long _inTouchTickMs;
    private long _turnTickMs = Environment.TickCount64;
    private long _contactTickMs;
    private long _awaitedTouchTickMs;
    private Slot _awaitedTouchSlot;
    private long _lastReadId;
    private long _nextExpiryTick;
    private long _lastTick;
    private DriverInbox.Batch _batch = new();
    private int _isTurning;

    public ConsensusDriver(
        PaxosConfig config,
        RestoredState restored,
        IPaxosLog log,
        IConsensusTransport transport,
        KvStoreExecutor executor,
        ReplicationOptions options,
        TimeProvider time,
        Action<Exception> onFatal)
    {
        _node = new PaxosNode(config, restored) { DurableSlot = executor.DurableSlot };
        _log = log;
        _transport = transport;
        _executor = executor;
        _restoredApplied = executor.AppliedSlot;
        _options = options;
        _onFatal = onFatal;
        _inbox = new DriverInbox(
            options.MaxQueuedWrites, options.MaxQueuedWriteBytes, options.MaxBatchBytes, ReplicaClock.TickMs);
        _proposals = new ProposalQueue(options, _inbox, time);

        // Ids of read requests are never used twice, not even after a restart: an old answer must not serve a new read.
        _lastReadId = time.GetUtcNow().ToUnixTimeMilliseconds() << 20;
        _logWriter = new LogWriter(log, ReleaseMessages, onFatal);
        _applyLoop = new ApplyLoop(executor, onFatal);
        _status = MakeStatus();
        _thread = new Thread(Run) { Name = "kv-consensus", IsBackground = true, Priority = ThreadPriority.AboveNormal };
    }

    /// <summary>What this replica knows of itself, as of the last turn of its loop.</summary>
    public ReplicaStatus Status => _status;

    /// <summary>Environment.TickCount64 of the last turn of the loop: a loop that stands still is not alive.</summary>
    public long LastTurnTickMs => Volatile.Read(ref _turnTickMs);

    /// <summary>
    /// Environment.TickCount64 of the latest moment of which this replica is known to hold everything chosen; its reads
    /// are no staler than that. 0 for never. On a follower it moves only with read indexes that are confirmed: what else
    /// a leader says may have been on its way for any time.
    /// </summary>
    public long InTouchTickMs => Volatile.Read(ref _inTouchTickMs);

    /// <summary>
    /// Whether this node may read alone at this very moment: it leads, and nobody else can. The read must then see all up
    /// to the <see cref="ReplicaStatus.ChosenSlot"/> that was published before the lease was checked.
    /// </summary>
    public bool HasLease => System.Diagnostics.Stopwatch.GetTimestamp() < Volatile.Read(ref _leaseUntil);

    /// <summary>Bytes of values applied since the start.</summary>
    public long AppliedBytes => _applyLoop.AppliedBytes;

    /// <summary>Everything up to here is in the data store of every voter, durably.</summary>
    public Slot TrimSlot { get; private set; }

    public void Start()
    {
        _logWriter.Start();
        _applyLoop.Start();
        _thread.Start();
    }

    /// <summary>Messages from peers.</summary>
    public void Receive(IReadOnlyList<Message> messages)
    {
        _inbox.Post(messages);
        TakeTurns(evenIfNothingCame: false);
    }

    /// <summary>Queues a write; its answer comes by <see cref="PendingWrite.Finish"/>.</summary>
    public void Write(PendingWrite write)
    {
        bool takesTurn = _isWriteAlone;
        if (_inbox.TryPost(write, wakesLoop: !takesTurn))
        {
            if (takesTurn)
            {
                TakeTurns(evenIfNothingCame: false);
            }
        }
        else
        {
            write.Finish(_isStopping
                ? new CommandResult(ErrorCode.SHUTTING_DOWN, Message: "the node is stopping; nothing was written")
                : new CommandResult(
                    ErrorCode.OVERLOADED,
                    Message: "max_queued_writes: too many writes wait to be proposed; nothing was written"));
        }
    }

    /// <summary>Asks for a read index for the batch, which must take no further readers from now on.</summary>
    public void ReadIndex(ReadBatch batch) => _inbox.Post(batch);

    /// <summary>What is applied and readable here.</summary>
    public Slot AppliedSlot => _applyLoop.AppliedSlot;

    /// <summary>Completes when the slot is applied and readable here.</summary>
    public Task WaitForAppliedAsync(Slot slot) => _applyLoop.WaitForAsync(slot);

    /// <summary>
    /// Ends the loops in the order in which they feed each other: what was chosen is applied and answered, what is in
    /// flight is told that its outcome is unknown.
    /// </summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _isStopping = true;
        _inbox.Close();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        // Taken for good: nobody takes a turn any more.
        SpinWait.SpinUntil(() => Interlocked.CompareExchange(ref _isTurning, 1, 0) == 0);
        _logWriter.Dispose();
        _applyLoop.Dispose();
        _proposals.Abandon();
        FailReads();
        _inbox.Dispose();
    }

    private void Run()
    {
        bool isTaken = false;
        while (!_isStopping)
        {
            _inbox.Wait(isTaken);
            isTaken = !TakeTurns(evenIfNothingCame: true);
        }
    }

    /// <summary>
    /// Takes turns until nothing waits, unless another thread is at it: that one looks once more after its turn, and so
    /// finds what was posted before this call. Any thread.
    /// </summary>
    /// <returns>False when another thread is at it.</returns>
    private bool TakeTurns(bool evenIfNothingCame)
    {
        for (int turns = 0; !_isStopping && (evenIfNothingCame || !_inbox.IsEmpty); turns++)
        {
            if (turns == MaxTurnsOnEnd && Thread.CurrentThread != _thread)
            {
                _inbox.Wake();
                return true;
            }

            if (Interlocked.CompareExchange(ref _isTurning, 1, 0) != 0)
            {
                return false;
            }

            try
            {
                _batch.Clear();
                _batch = _inbox.Take(_batch);
                evenIfNothingCame = Turn(_batch);
            }
            catch (Exception exception)
            {
                // The state is of no more use: the node stops, and no further turn is taken.
                _isStopping = true;
                _onFatal(exception);
            }
            finally
            {
                Volatile.Write(ref _isTurning, 0);
            }
        }

        return true;
    }

    /// <returns>Whether another turn has something to do although nothing came.</returns>
    private bool Turn(DriverInbox.Batch batch)
    {
        long nowTickMs = Environment.TickCount64;
        Volatile.Write(ref _turnTickMs, nowTickMs);
        _node.DurableSlot = _executor.DurableSlot;
        _node.AdvanceTo(_clock.NowTick);
        StepMessages(batch.Messages, nowTickMs);
        _proposals.Add(batch.Writes);
        _readsWaiting.AddRange(batch.Reads);
        RequestReadIndex(nowTickMs);
        PumpProposals();
        CarryOut(_node.TakeEffects());
        NoteContact(nowTickMs);
        if (_clock.NowTick != _lastTick)
        {
            _lastTick = _clock.NowTick;
            _applyLoop.ApplyWaiting();
        }

        if (_clock.NowTick >= _nextExpiryTick)
        {
            _nextExpiryTick = _clock.NowTick + ExpireEveryTicks;
            _proposals.ExpireInFlight(nowTickMs);
            _proposals.ForgetCompanyIfIdle();
            _logWriter.WriteHints();
        }

        bool isLeader = _node.Role == Role.Leader;
        _inbox.Want(
            writes: isLeader ? _proposals.WritesWanted(_node) : 1,
            patienceMs: isLeader && _proposals.MayGather ? GatheringTickMs : ReplicaClock.TickMs);
        _isWriteAlone = isLeader && _proposals.IsNextAlone;
        return _readsWaiting.Count > 0 && _readsInFlight.Count == 0;
    }

    private void StepMessages(List<Message> messages, long nowTickMs)
    {
        bool isFull = _applyLoop.WaitingBytes > _options.MaxUnappliedBytes;
        foreach (Message message in messages)
        {
            if (isFull && message is Accept or CatchUpReply)
            {
                // Applying is behind: what is let pass comes again. Losing a message is always allowed.
                continue;
            }

            _node.Step(message);
        }

        if (messages.Count > 0 && _node.Role == Role.Follower && _node.Leader is NodeId leader
            && messages.Exists(message => message.From == leader && message is Accept or Heartbeat))
        {
            _contactTickMs = nowTickMs;
        }
    }

    private void RequestReadIndex(long nowTickMs)
    {
        // One request at a time: those that come meanwhile share the next.
        if (_readsInFlight.Count > 0 || _readsWaiting.Count == 0)
        {
            return;
        }

        long first = _lastReadId + 1;
        foreach (ReadBatch reads in _readsWaiting)
        {
            reads.Close(nowTickMs);
            _readsInFlight.Add(++_lastReadId, reads);
        }

        _readsWaiting.Clear();
        for (long id = first; id <= _lastReadId; id++)
        {
            _node.ReadIndex(id);
        }
    }

    private void PumpProposals()
    {
        if (_node.Role == Role.Leader)
        {
            if (_applyLoop.WaitingBytes <= _options.MaxUnappliedBytes)
            {
                _proposals.Pump(_node);
            }
        }
        else if (_proposals.WaitingCount > 0)
        {
            _proposals.RefuseWaiting(_node.Leader is null
                ? new CommandResult(ErrorCode.NO_LEADER, Message: "no leader is known at the moment; nothing was written")
                : new CommandResult(ErrorCode.NOT_LEADER, Message: "Not leader: nothing was written"));
        }
    }

    private void CarryOut(Effects effects)
    {
        // Before anything is said: the lease ends, lest another node leads by what is said; and what is chosen is known
        // here, lest a follower shows what a read on this leader does not wait for.
        Volatile.Write(ref _leaseUntil, LeaseUntil());
        TrimSlot = _node.TrimSlot;
        PublishStatus();
        if (effects.Send.Count > 0)
        {
            _transport.Send(effects.Send);
        }

        if (effects.HasLogWrite || effects.SendAfterPersist.Count > 0)
        {
            _logWriter.Write(effects);
        }

        foreach (ChosenEntry entry in effects.Chosen)
        {
            PendingWrite[]? writes = _proposals.TakeChosen(entry);
            if (entry.Slot > _restoredApplied)
            {
                _applyLoop.Enqueue(entry, writes);
            }
            else
            {
                Invariant.Check(writes is null, $"slot {entry.Slot} was applied before this start, and proposed since");
            }
        }

        foreach (ReadIndexResult result in effects.Reads)
        {
            if (_readsInFlight.Remove(result.Id, out ReadBatch? reads))
            {
                if (result.Confirmed)
                {
                    AwaitTouch(reads.AskedTickMs, result.Slot);
                }

                reads.Complete(result);
            }
        }

        foreach (CatchUpOrder order in effects.CatchUps)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => SendCatchUp(order), null);
        }
    }

    /// <summary>On the log's thread: what is durable now may be said; what is said to this node is stepped.</summary>
    private void ReleaseMessages(IReadOnlyList<Message> messages)
    {
        var own = new List<Message>();
        var others = new List<Message>(messages.Count);
        foreach (Message message in messages)
        {
            (message.To == _node.Self ? own : others).Add(message);
        }

        if (others.Count > 0)
        {
            _transport.Send(others);
        }

        if (own.Count > 0)
        {
            Receive(own);
        }
    }

    private void SendCatchUp(CatchUpOrder order)
    {
        try
        {
            var entries = new List<LogEntry>();
            Slot next = order.FromSlot;

            // What the log has not noted as chosen may still be a value that lost, whose replacement is on its way to disk.
            Slot last = Slot.Min(order.ToSlot, _log.ChosenSlot);
            foreach (LogEntry entry in _log.Read(order.FromSlot, last, CatchUpChunkBytes))
            {
                if (entry.Slot != next)
                {
                    break;
                }

                entries.Add(entry);
                next = next.Next;
            }

            _transport.Send([new CatchUpReply(_node.Self, order.To, _log.FirstSlot, order.ToSlot, entries)]);
        }
        catch (Exception exception)
        {
            _onFatal(exception);
        }
    }

    private long LeaseUntil()
    {
        long tick = _node.LeaseUntilTick;
        return tick > 0 && _applyLoop.AppliedSlot >= _node.OpeningSlot ? _clock.TimestampOf(tick) : 0;
    }

    /// <summary>
    /// This replica's reads are as fresh as the last moment of which it knows the newest slot chosen and has applied it.
    /// </summary>
    private void NoteContact(long nowTickMs)
    {
        if (_node.Role == Role.Leader && _node.LeaseUntilTick > _clock.NowTick)
        {
            _contactTickMs = nowTickMs;
            AwaitTouch(nowTickMs, _node.KnownChosen);
        }

        if (_awaitedTouchTickMs > 0 && _applyLoop.AppliedSlot >= _awaitedTouchSlot)
        {
            Volatile.Write(ref _inTouchTickMs, Math.Max(_inTouchTickMs, _awaitedTouchTickMs));
            _awaitedTouchTickMs = 0;
        }
    }

    /// <summary>One at a time: a later moment would only be reached later.</summary>
    private void AwaitTouch(long tickMs, Slot chosen)
    {
        if (_awaitedTouchTickMs == 0)
        {
            _awaitedTouchTickMs = tickMs;
            _awaitedTouchSlot = chosen;
        }
    }

    private void PublishStatus()
    {
        ReplicaStatus before = _status;
        ReplicaStatus now = MakeStatus();
        if (before != now)
        {
            _status = now;
        }
    }

    private ReplicaStatus MakeStatus()
    {
        AppliedState applied = _executor.Applied;
        AppliedState hashed = _applyLoop.Hashed;
        return new ReplicaStatus(
            _node.Self, _node.Role, _node.Ballot, _node.Leader, _node.ChosenSlot, applied.Slot,
            applied.Version.Value, _contactTickMs, hashed.Slot, hashed.StateHash);
    }

    private void FailReads()
    {
        foreach (ReadBatch reads in _readsInFlight.Values.Concat(_readsWaiting))
        {
            reads.Complete(new ReadIndexResult(0, Confirmed: false, Slot.Zero));
        }
    }
}
