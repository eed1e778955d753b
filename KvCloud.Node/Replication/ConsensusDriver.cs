using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Owns <see cref="PaxosNode"/> and drives it in steps. A step advances time, hands the core the messages that arrived,
/// proposes waiting writes, and carries out the effects in their order. The node's own log write and its sends run in
/// parallel, and so do apply and commit.
/// </summary>
/// <remarks>
/// This is the work of <see cref="Station.Consensus"/>: one step at a time, on any thread. A thread that delivers
/// messages (a peer's receiving thread, or the log's thread) also runs the step for them. Writes and reads wait for the
/// worker's own thread, so that those arriving together are batched; a lone write runs its step on its own thread.
/// Over 400 lines: it is what other threads call of a replica, and the order of a step, which is read in one place. The
/// order of a step's effects is in <see cref="EffectsRunner"/>.
/// </remarks>
internal sealed class ConsensusDriver : IWork
{
    private const int ExpireWritesEveryTicks = 5;
    private const int ExpireReadsEveryTicks = 2;

    private const int BatchingSleepMs = 1;

    private const int RefreshTimeoutMs = 500;

    private readonly PaxosNode _node;
    private readonly IConsensusTransport _transport;
    private readonly Bootstrap _bootstrap;
    private readonly KvStoreExecutor _executor;
    private readonly ReplicationOptions _options;
    private readonly IReplicaClock _clock;
    private readonly IReplicaObserver? _observer;
    private readonly IWorkers _workers;
    private readonly DriverInbox _inbox;
    private readonly LogWriter _logWriter;
    private readonly Applier _applier;
    private readonly ProposalQueue _proposals;
    private readonly MemberChanges _memberChanges;
    private readonly FeatureLevelRaiser _features;
    private readonly WindowMover _window;
    private readonly EffectsRunner _effects;
    private readonly FreshnessTracker _freshness = new();
    private readonly ApplyPace _pace;
    private GroupMembers _announcedMembers;
    private bool _announcedSettled;
    private volatile SpaceLevel _spaceForWrites;
    private volatile bool _isStopping;
    private volatile bool _hasFailed;
    private volatile bool _givesUpReads;

    /// <summary>
    /// Whether a write arriving now would be proposed alone, and so need not wait for the worker's own thread.
    /// </summary>
    private volatile bool _isNextWriteAlone;
    private long _lastStepMs;
    private int _isRefreshing;

    // Used by the current step only.
    private DriverInbox.Batch _batch = new();
    private long _stepSinceBootMs;
    private long _lastTick;
    private long _nextWriteExpiryTick;
    private long _nextReadExpiryTick;

    public ConsensusDriver(PaxosConfig config, RestoredState restored, ReplicaParts parts)
    {
        _node = new PaxosNode(config, restored) { DurableSlot = parts.Executor.DurableSlot };
        _transport = parts.Transport;
        _bootstrap = parts.Bootstrap;
        _executor = parts.Executor;
        _options = parts.Options;
        _clock = parts.Runtime.Clock;
        _observer = parts.Runtime.Observer;
        _workers = parts.Workers;
        _inbox = parts.Inbox;
        _logWriter = parts.LogWriter;
        _applier = parts.Applier;
        Disk = parts.Disk;
        Traces = parts.Traces;
        IsWithoutData = parts.Executor.Health.IsDamaged;
        _features = new FeatureLevelRaiser(_options, _transport, _executor);
        _memberChanges = new MemberChanges(config, _options, _transport, _features);
        _proposals = new ProposalQueue(_options, _inbox, parts.Runtime, Traces);
        _effects = new EffectsRunner(_node, parts, _proposals, _freshness);
        _announcedMembers = _node.Members;

        // As much time as an election costs readers, and the lag at which voters refuse a candidate.
        _pace = new ApplyPace(
            (long)config.ElectionTimeoutTicks * ReplicaClock.TickMs, config.MaxInFlightSlots);
        _window = new WindowMover(_options, _clock, _executor);
        _lastStepMs = _clock.NowMs;
        Reads.BeginIdsAbove(parts.Runtime.NextUniqueId());
    }

    /// <summary>
    /// Called at every tick with <see cref="IReplicaClock.NowMs"/>, for components that have deadlines to keep.
    /// </summary>
    public Action<long>? OnTick { get; set; }

    /// <summary>Called when only a snapshot helps this replica. On the thread of the step.</summary>
    public Action<SnapshotNeed>? OnSnapshotNeeded
    {
        get => _effects.OnSnapshotNeeded;
        set => _effects.OnSnapshotNeeded = value;
    }

    /// <summary>
    /// Called with new members once the step has sent its messages to the former ones, and again when the change is
    /// settled.
    /// </summary>
    public Action<GroupMembers, bool>? OnMembers { get; set; }

    /// <summary>This replica's status as of its last step.</summary>
    public ReplicaStatus Status
    {
        get
        {
            ReplicaStatus status = _effects.Status;
            bool mayNotLead = _hasFailed || (Data.IsDamaged && status.Role == Role.Leader);
            return mayNotLead ? status with { Role = Role.Follower, Leader = null } : status;
        }
    }

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> of the last step. A worker that takes no more steps is considered dead.
    /// </summary>
    public long LastStepMs => Volatile.Read(ref _lastStepMs);

    /// <summary>
    /// <see cref="IReplicaClock.SinceBootMs"/> of the latest moment as of which this replica is known to hold
    /// everything chosen; its reads are no staler than that. 0 for never. On a follower only confirmed read indexes
    /// advance it, since any other message of the leader may have been in transit for an unknown time.
    /// </summary>
    public long FreshAsOfMs => _freshness.FreshAsOfMs;

    /// <summary>
    /// Whether this node may serve reads on its own at this very moment, because it leads and nobody else can. Such a
    /// read must observe everything up to the <see cref="ReplicaStatus.ChosenSlot"/> that was published before the
    /// lease was checked.
    /// </summary>
    public bool HasLease => _clock.Timestamp < _effects.LeaseUntil && !_hasFailed && !Data.IsDamaged;

    /// <summary>The last slot that is applied and readable here.</summary>
    public Slot AppliedSlot => _applier.AppliedSlot;

    /// <summary>Whether this replica's disk is fit for a leader.</summary>
    public DiskHealth Disk { get; }

    /// <summary>Whether this replica's data store is sound. A damaged one neither answers reads nor leads.</summary>
    public StoreHealth Data => _executor.Health;

    /// <summary>Why the data store answers nothing; null while it is sound.</summary>
    public string? DataTrouble => Data.Damage?.Sentence;

    /// <summary>
    /// Whether this start has no data: they are damaged, and a peer's are yet to be fetched. Such a replica neither
    /// votes nor learns, because it lacks what the data would tell it, such as the members.
    /// </summary>
    public bool IsWithoutData { get; }

    /// <summary>Rebuilds the data; null in a replica without snapshots.</summary>
    public DataRebuild? Rebuild
    {
        get => _effects.Rebuild;
        set
        {
            _effects.Rebuild = value;
            _memberChanges.HasSoundData = member => value?.HasReportedDamage(member) != true;
        }
    }

    /// <summary>Hashes the stored rows; null if the scrub is off.</summary>
    public StoredRowsHasher? StoredRows
    {
        get => _effects.StoredRows;
        set => _effects.StoredRows = value;
    }

    /// <summary>Which of the newest slots are traced.</summary>
    public SlotTraces Traces { get; }

    /// <summary>Every member has all slots up to here durably in its data store.</summary>
    public Slot TrimSlot => _effects.TrimSlot;

    public int MaxSleepMs => _inbox.MaxSleepMs;

    private ReadQueue Reads => _applier.Reads;

    private bool TakesPart => _bootstrap.IsFormed && !IsWithoutData;

    /// <summary>
    /// Whether the slots waiting to be applied, or to be written to the log, have reached their limit.
    /// </summary>
    private bool IsFull => Disk.Space == SpaceLevel.Exhausted
        || _applier.WaitingBytes > _options.MaxUnappliedBytes
        || _logWriter.UnwrittenSlots > ReplicationOptions.MaxUnwrittenSlots
        || _logWriter.UnwrittenBytes > _options.MaxUnwrittenBytes;

    /// <summary>
    /// Receives messages from peers and steps them on this thread, unless another thread is running a step.
    /// </summary>
    public void Receive(IReadOnlyList<Message> messages)
    {
        if (_isStopping || !TakesPart)
        {
            // The replica is stopping, or is not formed yet: nobody would step them.
            return;
        }

        _inbox.Post(messages);

        // A leader's receiving threads do not write the log: other slots wait for the messages they receive.
        _workers.RunInline(Station.Consensus, _effects.Status.Role == Role.Leader ? InlineWork.Apply : InlineWork.Log);
    }

    /// <summary>Queues a write; its answer comes by <see cref="PendingWrite.Finish"/>.</summary>
    public void Write(PendingWrite write)
    {
        bool isAlone = _isNextWriteAlone;
        bool isDue = false;
        if ((FeatureLevels.Refuse(write.Command.Span, _executor.Applied.FeatureLevel)
            ?? SpaceRules.Refuse(_spaceForWrites, write.Command) ?? _inbox.Post(write, out isDue)) is { } refusal)
        {
            write.Finish(refusal);
        }
        else if (isAlone)
        {
            _workers.RunInline(Station.Consensus, InlineWork.None);
        }
        else if (isDue)
        {
            _workers.Wake(Station.Consensus);
        }
    }

    /// <summary>
    /// Changes the members or the leader. The answer comes by <see cref="PendingMemberChange.Finish"/>.
    /// </summary>
    public void Change(PendingMemberChange change)
    {
        _memberChanges.Post(change);
        _workers.Wake(Station.Consensus);
    }

    /// <summary>
    /// Orders a rebuild of this replica's data. Answered through <see cref="PendingMemberChange.Finish"/> once the
    /// order is durable.
    /// </summary>
    public void OrderRebuild(PendingMemberChange order)
    {
        if (order.Change.Node != _node.Self || Rebuild is null)
        {
            order.Finish(new CommandResult(
                KvStatus.InvalidArgument,
                Message: $"a rebuild of {order.Change.Node} must be ordered from it, and this is {_node.Self}; nothing"
                    + " was done"));
            return;
        }

        Rebuild.Order(refusal => order.Finish(refusal is null
            ? new CommandResult(KvStatus.Ok)
            : new CommandResult(KvStatus.InvalidArgument, Message: $"{refusal}; nothing was done")));
        _workers.Wake(Station.Rebuild);
    }

    /// <summary>Completes the read once a read index requested after this call is confirmed and applied here.</summary>
    public void ReadIndex(PendingRead read)
    {
        if (Reads.Join(read))
        {
            _workers.Wake(Station.Consensus);
        }
    }

    /// <summary>Starts a confirmation of this replica's freshness, unless one is under way.</summary>
    public void Refresh()
    {
        if (Interlocked.CompareExchange(ref _isRefreshing, 1, 0) == 0)
        {
            ReadIndex(new RefreshRead(this) { DeadlineMs = _clock.NowMs + RefreshTimeoutMs });
        }
    }

    /// <summary>Completes the read once the slot is applied and readable here.</summary>
    public void WaitForApplied(Slot slot, PendingRead read)
    {
        if (Reads.WaitForApplied(slot, read) && _applier.ApplyWaiting() != Due.No)
        {
            _workers.Wake(Station.Apply);
        }
    }

    /// <summary>Stops accepting writes and taking steps.</summary>
    /// <param name="hasFailed">The replica has failed. From this moment it neither leads nor keeps anybody waiting: it
    /// is as silent as if it were gone, and the others elect a leader as soon as they would then.</param>
    public void Close(bool hasFailed)
    {
        _hasFailed |= hasFailed;
        _isStopping = true;
        _inbox.Close();
    }

    /// <summary>
    /// No leader will confirm a read of this replica again: waiting reads are answered now, later ones at once.
    /// </summary>
    public void GiveUpReads() => _givesUpReads = true;

    /// <summary>
    /// After the last step: answers everything that waits, and whatever arrived since, because nothing else will.
    /// </summary>
    public void Abandon()
    {
        _effects.WithdrawLease();
        _inbox.Close();
        try
        {
            _proposals.Add(_inbox.Take(new DriverInbox.Batch()).Writes);
            _proposals.Abandon();
        }
        finally
        {
            _memberChanges.Abandon();
            Reads.Close();
        }
    }

    public bool IsDue(RunReason reason) =>
        !_isStopping && ((reason == RunReason.Inline ? !_inbox.IsEmpty : _inbox.IsDue) || Reads.IsDue
            || _memberChanges.IsDue);

    public bool TryBegin(RunReason reason)
    {
        if (_isStopping)
        {
            return false;
        }

        _batch.Clear();
        _batch = _inbox.Take(_batch);
        return reason != RunReason.Inline || !_batch.IsEmpty || Reads.IsDue;
    }

    public void Execute()
    {
        _effects.BeginStep();
        long nowMs = _clock.NowMs;
        _stepSinceBootMs = _clock.SinceBootMs;
        Volatile.Write(ref _lastStepMs, nowMs);
        _node.DurableSlot = _executor.DurableSlot;
        _node.FirstAvailable = _logWriter.FirstSlot;
        Disk.Observe();
        _node.IsReluctant = Disk.IsPoor;
        _node.MayLead = !Data.IsDamaged;
        _node.HoldsCatchUp = IsFull
            || Math.Max(_applier.WaitingBytes, _logWriter.UnwrittenBytes) > _options.MaxCatchUpBytes;
        long tick = _clock.NowTick;
        if (TakesPart)
        {
            // Until then its clock stands still, so that it seeks no votes. Afterwards an election may be due at once:
            // there is no lease to wait for, since a replica that was never formed has granted none.
            _node.AdvanceTo(tick);
        }

        StepMessages(_batch.Messages, nowMs);
        _proposals.Add(_batch.Writes);
        Reads.Ask(_node, nowMs);
        _memberChanges.Step(_node, nowMs);
        Propose();
        _effects.CarryOut(_node.TakeEffects());
        AnnounceMembers();

        TrackFreshness(tick, nowMs);
        if (tick != _lastTick)
        {
            _lastTick = tick;
            Tick(tick, nowMs);
        }

        bool isLeader = _node.Role == Role.Leader;
        bool sleepsShorter = _inbox.Target(
            writes: isLeader ? _proposals.TargetWrites(_node) : 1,
            maxSleepMs: isLeader && (_proposals.MayBatch || _proposals.IsHeld) ? BatchingSleepMs : ReplicaClock.TickMs);
        _isNextWriteAlone = isLeader && _proposals.IsNextAlone;
        _spaceForWrites = isLeader ? Disk.Space : SpaceLevel.Ample;
        _effects.SleepsShorter(sleepsShorter);
        _observer?.Stepped(_node);
    }

    public FollowUp Complete() => _effects.FollowUp;

    private void StepMessages(List<Message> messages, long nowMs)
    {
        bool isFull = IsFull;
        foreach (Message message in messages)
        {
            if (isFull && message is Accept or CatchUpReply)
            {
                // Applying or the log is behind. Dropping a message is always allowed, and these are sent again.
                if (message is CatchUpReply)
                {
                    _node.CatchUpReplyDropped();
                }

                continue;
            }

            _node.Step(message);
        }

        if (messages.Count > 0 && _node.Role == Role.Follower && _node.Leader is NodeId leader
            && messages.Exists(message => message.From == leader && message is Accept or Heartbeat))
        {
            _freshness.LeaderHeard(nowMs);
        }
    }

    private void Propose()
    {
        if (_node.Role == Role.Leader)
        {
            if (Disk.Space == SpaceLevel.Exhausted && _proposals.WaitingCount > 0)
            {
                _proposals.RefuseWaiting(SpaceRules.Refuse(Disk.Space, default)!.Value);
            }
            else if (!IsFull)
            {
                _proposals.Pump(_node);
                _window.Move(_node, _proposals);
            }

            return;
        }

        _window.Rest();
        if (Disk.Space == SpaceLevel.Exhausted)
        {
            // While it accepts nothing it does not learn their outcome.
            _proposals.GiveUpInFlight();
        }

        if (_proposals.WaitingCount > 0)
        {
            _proposals.RefuseWaiting(_node.Leader is null
                ? new CommandResult(KvStatus.NoLeader, Message: "no leader is known at the moment; nothing was written")
                : new CommandResult(KvStatus.NotLeader, Message: "Not leader: nothing was written"));
        }
    }

    private void AnnounceMembers()
    {
        bool areSettled = _node.AreMembersSettled;
        if (_node.Members != _announcedMembers || areSettled != _announcedSettled)
        {
            (_announcedMembers, _announcedSettled) = (_node.Members, areSettled);
            if (_announcedMembers.Slot > Slot.Zero)
            {
                OnMembers?.Invoke(_announcedMembers, areSettled);
            }
        }
    }

    private void TrackFreshness(long tick, long nowMs)
    {
        if (_node.Role == Role.Leader && _node.LeaseUntilTick > tick)
        {
            _freshness.LeaderHeard(nowMs);
            _freshness.Confirmed(_stepSinceBootMs, _node.KnownChosen);
        }

        _freshness.Applied(_applier.AppliedSlot);
    }

    private void Tick(long tick, long nowMs)
    {
        _memberChanges.Tick(_node, nowMs);
        if (!IsFull)
        {
            _features.Tick(_node, _proposals, nowMs);
        }

        if (_givesUpReads)
        {
            Reads.Close();
        }

        if (Disk.Space == SpaceLevel.Exhausted && _node.Role != Role.Leader)
        {
            Reads.GiveUpUnapplied();
        }

        _pace.Note(nowMs, _node.KnownChosen, _applier.AppliedSlot);
        if (_pace.IsFarBehind && _node.Role != Role.Leader)
        {
            Reads.GiveUpLate(_pace.ReachIn);
        }

        _effects.ApplyIsDue(_applier.ApplyWaiting());
        if (tick >= _nextReadExpiryTick)
        {
            _nextReadExpiryTick = tick + ExpireReadsEveryTicks;
            Reads.Expire(nowMs);
        }

        if (tick >= _nextWriteExpiryTick)
        {
            _nextWriteExpiryTick = tick + ExpireWritesEveryTicks;
            _proposals.Expire(nowMs);
            _proposals.NoteIfIdle();
            _effects.LogIsDue(_logWriter.WriteCommitIndex());
        }

        OnTick?.Invoke(nowMs);
    }

    /// <summary>A read that reads nothing: it only gets a read index confirmed.</summary>
    private sealed class RefreshRead(ConsensusDriver driver) : PendingRead
    {
        protected override void Complete(in ReadOutcome outcome) => Volatile.Write(ref driver._isRefreshing, 0);
    }
}
