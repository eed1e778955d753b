using KvCloud.Consensus;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Carries out the effects of a step, in the order that safety demands, and publishes what other threads may rely on:
/// the lease and the status. Of the consensus worker, but for what is published.
/// </summary>
internal sealed class EffectsRunner
{
    private readonly PaxosNode _node;
    private readonly ProposalQueue _proposals;
    private readonly FreshnessTracker _freshness;
    private readonly IConsensusTransport _transport;
    private readonly KvStoreExecutor _executor;
    private readonly IReplicaClock _clock;
    private readonly IReplicaObserver? _observer;
    private readonly IWorkers _workers;
    private readonly LogWriter _logWriter;
    private readonly Applier _applier;
    private readonly CatchUpServer _catchUps;
    private readonly SlotTraces _traces;
    private readonly Slot _restoredApplied;
    private volatile ReplicaStatus _status;
    private long _leaseUntil;

    public EffectsRunner(PaxosNode node, ReplicaParts parts, ProposalQueue proposals, FreshnessTracker freshness)
    {
        _node = node;
        _proposals = proposals;
        _freshness = freshness;
        _transport = parts.Transport;
        _executor = parts.Executor;
        _clock = parts.Runtime.Clock;
        _observer = parts.Runtime.Observer;
        _workers = parts.Workers;
        _logWriter = parts.LogWriter;
        _applier = parts.Applier;
        _catchUps = parts.CatchUps;
        _traces = parts.Traces;
        _restoredApplied = parts.Executor.AppliedSlot;
        _status = MakeStatus();
    }

    /// <summary>The status that the last step published. Any thread.</summary>
    public ReplicaStatus Status => _status;

    /// <summary><see cref="IReplicaClock.Timestamp"/> until which the lease holds; 0 for none. Any thread.</summary>
    public long LeaseUntil => Volatile.Read(ref _leaseUntil);

    /// <summary>See <see cref="ConsensusDriver.TrimSlot"/>.</summary>
    public Slot TrimSlot { get; private set; }

    /// <summary>The work that this step has made due.</summary>
    public FollowUp FollowUp { get; private set; }

    /// <summary>See <see cref="ConsensusDriver.OnSnapshotNeeded"/>.</summary>
    public Action<SnapshotNeed>? OnSnapshotNeeded { get; set; }

    /// <summary>See <see cref="ConsensusDriver.Rebuild"/>.</summary>
    public DataRebuild? Rebuild { get; set; }

    /// <summary>See <see cref="ConsensusDriver.StoredRows"/>.</summary>
    public StoredRowsHasher? StoredRows { get; set; }

    public void BeginStep() => FollowUp = default;

    public void LogIsDue(Due due) => FollowUp = FollowUp with { Log = Max(FollowUp.Log, due) };

    public void ApplyIsDue(Due due) => FollowUp = FollowUp with { Apply = Max(FollowUp.Apply, due) };

    public void SleepsShorter(bool isShorter) => FollowUp = FollowUp with { SleepsShorter = isShorter };

    public void WithdrawLease() => Volatile.Write(ref _leaseUntil, 0);

    public void CarryOut(Effects effects)
    {
        // Before any message leaves: the lease is withdrawn first, because a message may let another node lead. The
        // chosen slot is published first, because a follower may show what a read on this leader would not wait for.
        Volatile.Write(ref _leaseUntil, FindLeaseEnd());
        TrimSlot = _node.TrimSlot;
        PublishStatus();
        _traces.SendOutgoing(_transport);
        if (effects.Send.Count > 0)
        {
            _transport.Send(effects.Send);
        }

        if (effects.HasLogWrite || effects.SendAfterPersist.Count > 0)
        {
            LogIsDue(_logWriter.Write(effects));
        }

        foreach (ChosenEntry entry in effects.Chosen)
        {
            _observer?.Chosen(entry);
            PendingWrite[]? writes = _proposals.TakeChosen(entry);
            if (entry.Slot > _restoredApplied)
            {
                ApplyIsDue(_applier.Enqueue(entry, writes));
            }
            else
            {
                Invariant.Check(writes is null, $"slot {entry.Slot} was applied before this start, and proposed since");
            }
        }

        foreach (ReadIndexResult result in effects.Reads)
        {
            if (_applier.Reads.Answered(result, _freshness))
            {
                ApplyIsDue(_applier.ApplyWaiting());
            }
        }

        foreach (CatchUpOrder order in effects.CatchUps)
        {
            _catchUps.Enqueue(order);
            _workers.Wake(Station.CatchUp);
        }

        if (effects.Snapshot is SnapshotNeed need)
        {
            OnSnapshotNeeded?.Invoke(need);
        }
    }

    private static Due Max(Due left, Due right) => left > right ? left : right;

    private long FindLeaseEnd()
    {
        long tick = _node.LeaseUntilTick;
        return tick > 0 && _applier.AppliedSlot >= _node.OpeningSlot ? _clock.TimestampOf(tick) : 0;
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
        AppliedState hashed = _applier.Hashed;
        return new ReplicaStatus(
            _node.Self, _node.Role, _node.Ballot, _node.Leader, _node.ChosenSlot, applied.Slot,
            applied.Version.Value, _freshness.LeaderHeardMs, hashed.Slot, hashed.StateHash)
        {
            Promised = _node.Promised,
            Members = _node.Members,
            Stored = StoredRows?.Latest ?? default,
            Data = Rebuild?.State ?? (_executor.Health.IsDamaged ? DataState.Damaged : DataState.Sound),
            FeatureLevel = applied.FeatureLevel,
        };
    }
}
