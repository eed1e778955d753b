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
/// message. What then remains to be done of a write that is alone, a follower's log write, a leader's apply, that thread
/// does too, when it has given the turn back. Writes and reads wait for the loop's own thread, so that what comes together
/// goes together.
/// </remarks>
internal sealed class ConsensusDriver : IDisposable
{
    private const int ExpireEveryTicks = 5;

    /// <summary>How often the loop looks whether writes have waited long enough for company.</summary>
    private const int GatheringTickMs = 1;

    /// <summary>Turns that a thread takes on end before it leaves the rest to the loop: it has work of its own.</summary>
    private const int MaxTurnsOnEnd = 4;

    private readonly PaxosNode _node;
    private readonly IConsensusTransport _transport;
    private readonly ApplyLoop _applyLoop;
    private readonly KvStoreExecutor _executor;
    private readonly Slot _restoredApplied;
    private readonly ReplicationOptions _options;
    private readonly ReplicaClock _clock = new();
    private readonly DriverInbox _inbox;
    private readonly ProposalQueue _proposals;
    private readonly LogWriter _logWriter;
    private readonly CatchUpSource _catchUps;
    private readonly LeaderContact _contact = new();
    private readonly Action<Exception> _onFatal;
    private readonly Thread _thread;
    private readonly Dictionary<long, ReadBatch> _readsInFlight = [];
    private readonly List<ReadBatch> _readsWaiting = [];
    private volatile ReplicaStatus _status;
    private volatile bool _isStopping;
    private volatile bool _hasFailed;
    private bool _isOver;

    /// <summary>Whether a write that comes now will have no company, and so need not wait for the loop's thread.</summary>
    private volatile bool _isWriteAlone;
    private bool _isDisposed;
    private long _leaseUntil;
    private long _turnTickMs = Environment.TickCount64;
    private long _lastReadId;
    private long _nextExpiryTick;
    private long _lastTick;
    private DriverInbox.Batch _batch = new();
    private int _isTurning;

    // Of who takes the turn: what it has time for afterwards, and whether there is such a thing.
    private Errand _errand;
    private bool _isErrandLeft;

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
        _transport = transport;
        _executor = executor;
        _restoredApplied = executor.AppliedSlot;
        _options = options;
        _onFatal = onFatal;
        _inbox = new DriverInbox(
            options.MaxQueuedWrites, options.MaxQueuedWriteBytes, options.MaxBatchBytes, ReplicaClock.TickMs);
        Traces = new SlotTraces(config.Self, config.Voters);
        _proposals = new ProposalQueue(options, _inbox, time, Traces);

        // Ids of read requests are never used twice, not even after a restart: an old answer must not serve a new read.
        _lastReadId = time.GetUtcNow().ToUnixTimeMilliseconds() << 20;
        _logWriter = new LogWriter(log, Traces, ReleaseMessages, Fail);
        _applyLoop = new ApplyLoop(executor, Traces, Fail);
        _catchUps = new CatchUpSource(config.Self, log, transport, Fail);
        _status = MakeStatus();
        _thread = new Thread(Run) { Name = "kv-consensus", IsBackground = true, Priority = ThreadPriority.AboveNormal };
    }

    /// <summary>What follows from a turn and is left to the thread that took it, instead of waking another.</summary>
    private enum Errand
    {
        None,
        WriteLog,
        Apply,
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
    public long InTouchTickMs => _contact.InTouchTickMs;

    /// <summary>
    /// Whether this node may read alone at this very moment: it leads, and nobody else can. The read must then see all up
    /// to the <see cref="ReplicaStatus.ChosenSlot"/> that was published before the lease was checked.
    /// </summary>
    public bool HasLease => ReplicaClock.GetTimestamp() < Volatile.Read(ref _leaseUntil);

    /// <summary>Bytes of values applied since the start.</summary>
    public long AppliedBytes => _applyLoop.AppliedBytes;

    /// <summary>Which of the newest slots are traced.</summary>
    public SlotTraces Traces { get; }

    /// <summary>Everything up to here is in the data store of every voter, durably.</summary>
    public Slot TrimSlot { get; private set; }

    /// <summary>Whether as much waits to be applied, or to be written, as may.</summary>
    private bool IsFull =>
        _applyLoop.WaitingBytes > _options.MaxUnappliedBytes || _logWriter.UnwrittenSlots > ReplicationOptions.MaxUnwrittenSlots;

    public void Start()
    {
        _logWriter.Start();
        _applyLoop.Start();
        _thread.Start();
    }

    /// <summary>Messages from peers.</summary>
    public void Receive(IReadOnlyList<Message> messages)
    {
        if (_isStopping)
        {
            // Nobody takes a turn for them any more.
            return;
        }

        _inbox.Post(messages);

        // A leader's receiving threads are kept free for what its slots wait for.
        TakeTurns(evenIfNothingCame: false, _status.Role == Role.Leader ? Errand.Apply : Errand.WriteLog);
    }

    /// <summary>Queues a write; its answer comes by <see cref="PendingWrite.Finish"/>.</summary>
    public void Write(PendingWrite write)
    {
        bool takesTurn = _isWriteAlone;
        if (_inbox.TryPost(write, wakesLoop: !takesTurn))
        {
            if (takesTurn)
            {
                TakeTurns(evenIfNothingCame: false, Errand.None);
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
    public void ReadIndex(ReadBatch batch)
    {
        if (!_inbox.TryPost(batch))
        {
            batch.Complete(new ReadIndexResult(0, Confirmed: false, Slot.Zero));
        }
    }

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

        EndTurns();
        _logWriter.Dispose();
        _applyLoop.Dispose();
        AnswerAll();
        _inbox.Dispose();
    }

    /// <summary>
    /// Something that this replica cannot go on without has failed. The process stops soon, when its clients' calls have ended;
    /// until then the replica must neither lead nor let anybody wait: it is as silent from now on as if it were gone, and the
    /// others elect a leader as soon as they would then. Any thread.
    /// </summary>
    public void Fail(Exception exception)
    {
        _hasFailed = true;
        _isStopping = true;
        _inbox.Close();
        _onFatal(exception);
    }

    private void Run()
    {
        bool isTaken = false;
        while (!_isStopping)
        {
            _inbox.Wait(isTaken);
            isTaken = !TakeTurns(evenIfNothingCame: true, Errand.None);
        }

        if (_hasFailed)
        {
            EndTurns();
            Volatile.Write(ref _leaseUntil, 0);
            _status = _status with { Role = Role.Follower, Leader = null };
            AnswerAll();
        }
    }

    /// <summary>Takes the turn for good: nobody takes one any more.</summary>
    private void EndTurns()
    {
        if (!_isOver)
        {
            SpinWait.SpinUntil(() => Interlocked.CompareExchange(ref _isTurning, 1, 0) == 0);
            _isOver = true;
        }
    }

    /// <summary>After the last turn: what waits, and what came since, gets the answer that nobody else will give.</summary>
    private void AnswerAll()
    {
        DriverInbox.Batch left = _inbox.Take(new DriverInbox.Batch());
        _proposals.Add(left.Writes);
        _readsWaiting.AddRange(left.Reads);
        _proposals.Abandon();
        FailReads();
    }

    /// <summary>
    /// Takes turns until nothing waits, unless another thread is at it: that one looks once more after its turn, and so
    /// finds what was posted before this call. Any thread.
    /// </summary>
    /// <param name="errand">What this thread has time for when its turns are over.</param>
    /// <returns>False when another thread is at it.</returns>
    private bool TakeTurns(bool evenIfNothingCame, Errand errand)
    {
        bool isTaken = false;
        bool isErrandLeft = false;
        for (int turns = 0; !isTaken && !_isStopping && (evenIfNothingCame || !_inbox.IsEmpty); turns++)
        {
            if (turns == MaxTurnsOnEnd && Thread.CurrentThread != _thread)
            {
                _inbox.Wake();
                break;
            }

            isTaken = Interlocked.CompareExchange(ref _isTurning, 1, 0) != 0;
            if (!isTaken)
            {
                evenIfNothingCame = TakeTurn(errand, ref isErrandLeft);
            }
        }

        if (isErrandLeft)
        {
            Run(errand);
        }

        return !isTaken;
    }

    /// <summary>By the thread that holds the turn, which gives it back.</summary>
    /// <returns>Whether another turn has something to do although nothing came.</returns>
    private bool TakeTurn(Errand errand, ref bool isErrandLeft)
    {
        try
        {
            _errand = errand;
            _isErrandLeft = false;
            _batch.Clear();
            _batch = _inbox.Take(_batch);
            bool isMoreToDo = Turn(_batch);
            isErrandLeft |= _isErrandLeft;
            return isMoreToDo;
        }
        catch (Exception exception)
        {
            // The state is of no more use: the node stops, and no further turn is taken.
            Fail(exception);
            return false;
        }
        finally
        {
            Volatile.Write(ref _isTurning, 0);
        }
    }

    private void Run(Errand errand)
    {
        if (errand == Errand.WriteLog)
        {
            _logWriter.WriteHere();
        }
        else if (errand == Errand.Apply)
        {
            _applyLoop.ApplyHere();
        }
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
        if (_node.Role == Role.Leader && _node.LeaseUntilTick > _clock.NowTick)
        {
            _contact.Heard(nowTickMs);
            _contact.Confirmed(nowTickMs, _node.KnownChosen);
        }

        _contact.Applied(_applyLoop.AppliedSlot);
        if (_clock.NowTick != _lastTick)
        {
            _lastTick = _clock.NowTick;
            _applyLoop.ApplyWaiting();
        }

        if (_clock.NowTick >= _nextExpiryTick)
        {
            _nextExpiryTick = _clock.NowTick + ExpireEveryTicks;
            _proposals.Expire(nowTickMs);
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
        bool isFull = IsFull;
        foreach (Message message in messages)
        {
            if (isFull && message is Accept or CatchUpReply)
            {
                // Applying or the log is behind: what is let pass comes again. Losing a message is always allowed.
                continue;
            }

            _node.Step(message);
        }

        if (messages.Count > 0 && _node.Role == Role.Follower && _node.Leader is NodeId leader
            && messages.Exists(message => message.From == leader && message is Accept or Heartbeat))
        {
            _contact.Heard(nowTickMs);
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
            if (!IsFull)
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
        Traces.SendOutgoing(_transport);
        if (effects.Send.Count > 0)
        {
            _transport.Send(effects.Send);
        }

        if (effects.HasLogWrite || effects.SendAfterPersist.Count > 0)
        {
            _isErrandLeft |= _logWriter.Write(effects, mayLeave: _errand == Errand.WriteLog);
        }

        foreach (ChosenEntry entry in effects.Chosen)
        {
            PendingWrite[]? writes = _proposals.TakeChosen(entry);
            if (entry.Slot > _restoredApplied)
            {
                _isErrandLeft |= _applyLoop.Enqueue(entry, writes, mayLeave: _errand == Errand.Apply);
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
                    _contact.Confirmed(reads.AskedTickMs, result.Slot);
                }

                reads.Complete(result);
            }
        }

        foreach (CatchUpOrder order in effects.CatchUps)
        {
            _catchUps.Start(order);
        }
    }

    /// <summary>On the thread that wrote the log: what is durable now may be said; what is said to this node is stepped.</summary>
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
            _inbox.Post(own);
            TakeTurns(evenIfNothingCame: false, Errand.Apply);
        }
    }

    private long LeaseUntil()
    {
        long tick = _node.LeaseUntilTick;
        return tick > 0 && _applyLoop.AppliedSlot >= _node.OpeningSlot ? _clock.TimestampOf(tick) : 0;
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
            applied.Version.Value, _contact.HeardTickMs, hashed.Slot, hashed.StateHash);
    }

    private void FailReads()
    {
        foreach (ReadBatch reads in _readsInFlight.Values.Concat(_readsWaiting))
        {
            reads.Complete(new ReadIndexResult(0, Confirmed: false, Slot.Zero));
        }

        _readsInFlight.Clear();
        _readsWaiting.Clear();
    }
}
