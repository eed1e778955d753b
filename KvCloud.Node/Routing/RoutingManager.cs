using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.State;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Routing;

/// <summary>Decides where a call runs, by kind of operation, consistency level and role of this node.</summary>
/// <remarks>
/// Synchronous: it decides immediately or makes a <see cref="RoutedRead"/> wait, so the simulator can run this class.
/// </remarks>
internal sealed class RoutingManager(
    ConsensusDriver driver,
    WriteForwarder forwarder,
    KvReader reader,
    RoutingOptions options,
    IReplicaClock clock,
    Func<NodeId, string?> clientEndpointOf)
{
    /// <summary>How long a local read may wait for the leader before it is refused as too stale.</summary>
    private const int FreshWaitMs = 500;

    /// <summary>Whose writes this node has.</summary>
    public WriteFlows WriteFlows => forwarder.Flows;

    /// <summary>
    /// Routes a write. The outcome, including a refusal, arrives through <see cref="PendingWrite.Finish"/>.
    /// </summary>
    public void Write(PendingWrite write)
    {
        ReplicaStatus status = driver.Status;
        if (status.Role == Role.Leader)
        {
            driver.Write(write);
            return;
        }

        if (options.ForwardWrites)
        {
            Forward(write);
            return;
        }

        ReadAdmission refusal = NotHere(status);
        write.Finish(new CommandResult(
            refusal.Code, Message: refusal.Message, LeaderEndpoint: refusal.LeaderEndpoint));
    }

    /// <summary>
    /// Sends a write that this node makes of its own accord to whoever leads, whatever clients are told to do.
    /// </summary>
    public void Forward(PendingWrite write) => forwarder.Write(write, AwaitVisible);

    /// <summary>
    /// Changes the members or the leader. The answer comes by <see cref="PendingMemberChange.Finish"/>.
    /// </summary>
    public void Change(PendingMemberChange change)
    {
        if (change.Change.Kind == MemberAction.Rebuild)
        {
            driver.OrderRebuild(change);
            return;
        }

        ReplicaStatus status = driver.Status;
        if (status.Role == Role.Leader)
        {
            driver.Change(change);
            return;
        }

        ReadAdmission refusal = NotHere(status);
        change.Finish(new CommandResult(
            refusal.Code, Message: refusal.Message, LeaderEndpoint: refusal.LeaderEndpoint));
    }

    /// <summary>
    /// Decides whether a read may use the local store if that is known immediately: for LOCAL on a replica that is
    /// known to be fresh, for LEADER within the lease or on another node, for a version that is applied.
    /// </summary>
    /// <param name="admission">The decision, if this returns true.</param>
    /// <param name="wait">Otherwise, what to wait for.</param>
    /// <param name="slot">The slot to wait for, with <see cref="ReadWait.Applied"/>.</param>
    public bool TryAdmit(in ReadRequest request, out ReadAdmission admission, out ReadWait wait, out Slot slot)
    {
        admission = ReadAdmission.Ok;
        wait = ReadWait.ReadIndex;
        slot = Slot.Zero;
        if (driver.DataTrouble is string damage)
        {
            admission = Damaged(damage);
            return true;
        }

        if (request.AtVersion is CommitVersion version)
        {
            wait = ReadWait.Version;
            return reader.AppliedVersion >= version;
        }

        switch (request.Level ?? options.ConsistencyLevel)
        {
            case ReadConsistency.Local when options.AllowStaleReads:
                wait = ReadWait.Fresh;
                return IsFresh(request.MaxStalenessMs ?? options.MaxStalenessMs);
            case ReadConsistency.Leader:
                ReplicaStatus status = driver.Status;
                if (driver.HasLease)
                {
                    // A follower may already have served data that was chosen but is not applied here yet.
                    wait = ReadWait.Applied;
                    slot = status.ChosenSlot;
                    return driver.AppliedSlot >= slot;
                }

                if (status.Role == Role.Leader)
                {
                    return false;
                }

                admission = NotHere(status);
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// Makes a read wait for what <see cref="TryAdmit"/> named; it is admitted or refused exactly once.
    /// </summary>
    public void Wait(RoutedRead read, in ReadRequest request, ReadWait wait, Slot slot)
    {
        read.WaitFor(this, request, wait);
        if (wait == ReadWait.Applied)
        {
            driver.WaitForApplied(slot, read);
        }
        else
        {
            driver.ReadIndex(read);
        }
    }

    /// <summary>How long a read waits, given its call's deadline (<see cref="IReplicaClock.NowMs"/>).</summary>
    public long WaitDeadlineMs(ReadWait wait, long deadlineMs) =>
        wait == ReadWait.Fresh ? Math.Min(deadlineMs, clock.NowMs + FreshWaitMs) : deadlineMs;

    /// <summary>Translates the outcome of a wait into an admission.</summary>
    public ReadAdmission Conclude(in ReadRequest request, ReadWait wait, in ReadOutcome outcome)
    {
        if (driver.DataTrouble is string damage)
        {
            return Damaged(damage);
        }

        if (outcome.Status == ReadStatus.Ready)
        {
            return wait == ReadWait.Version ? ConcludeVersion(request.AtVersion!.Value) : ReadAdmission.Ok;
        }

        if (outcome.Status == ReadStatus.Behind)
        {
            return new ReadAdmission(
                KvStatus.TooStale,
                $"this replica is behind: it has applied slot {driver.AppliedSlot}, and will not in time have applied"
                    + $" slot {outcome.Slot}, which the read must see");
        }

        if (wait == ReadWait.Fresh)
        {
            return TooStale(request.MaxStalenessMs ?? options.MaxStalenessMs);
        }

        if (outcome.Status == ReadStatus.NotFollowing)
        {
            return new ReadAdmission(
                KvStatus.TooStale,
                "this replica's disk is full (min_space_mb): it follows no leader, and has not applied slot"
                    + $" {outcome.Slot}");
        }

        return outcome.Status == ReadStatus.NotApplied
            ? new ReadAdmission(
                KvStatus.Timeout, $"this replica had not applied slot {outcome.Slot} when the deadline passed")
            : new ReadAdmission(KvStatus.NoLeader, "no leader confirmed the read before its deadline");
    }

    /// <summary>
    /// Completes when a read at this level may use the local store. Null arguments mean the configured values.
    /// </summary>
    public ValueTask<ReadAdmission> AdmitReadAsync(
        ReadConsistency? level, int? maxStalenessMs, long deadlineMs, CancellationToken cancellationToken) =>
        AdmitAsync(new ReadRequest(level, maxStalenessMs), deadlineMs, cancellationToken);

    /// <summary>
    /// Completes when this replica has applied everything that was chosen before the call, however far behind it is.
    /// </summary>
    public ValueTask<ReadAdmission> CatchUpAsync(long deadlineMs)
    {
        var request = new ReadRequest(ReadConsistency.ReadIndex);
        return TryAdmit(request, out ReadAdmission admission, out ReadWait wait, out Slot slot)
            ? new ValueTask<ReadAdmission>(admission)
            : WaitAsync(request, wait, slot, deadlineMs, CancellationToken.None, isBoundToReplica: true);
    }

    /// <summary>
    /// Completes when this replica has applied <paramref name="version"/>; VERSION_IN_FUTURE if it was never issued.
    /// </summary>
    public ValueTask<ReadAdmission> AdmitReadAtAsync(
        CommitVersion version, long deadlineMs, CancellationToken cancellationToken) =>
        AdmitAsync(new ReadRequest(null, AtVersion: version), deadlineMs, cancellationToken);

    /// <summary>The newest committed version, which every later read must see (linearizable).</summary>
    public async ValueTask<(ReadAdmission Admission, CommitVersion Version)> GetReadVersionAsync(
        long deadlineMs, CancellationToken cancellationToken)
    {
        var inLease = new ReadRequest(ReadConsistency.Leader);
        bool isDecided = TryAdmit(inLease, out ReadAdmission admission, out ReadWait wait, out Slot slot);
        if (!isDecided && wait == ReadWait.Applied)
        {
            admission = await WaitAsync(inLease, wait, slot, deadlineMs, cancellationToken).ConfigureAwait(false);
        }
        else if (!isDecided || admission.Code != KvStatus.Ok)
        {
            admission = await AdmitReadAsync(ReadConsistency.ReadIndex, null, deadlineMs, cancellationToken)
                .ConfigureAwait(false);
        }

        return (admission, admission.Code == KvStatus.Ok ? reader.AppliedVersion : CommitVersion.Zero);
    }

    private ValueTask<ReadAdmission> AdmitAsync(
        in ReadRequest request, long deadlineMs, CancellationToken cancellationToken)
    {
        return TryAdmit(request, out ReadAdmission admission, out ReadWait wait, out Slot slot)
            ? new ValueTask<ReadAdmission>(admission)
            : WaitAsync(request, wait, slot, deadlineMs, cancellationToken);
    }

    private ValueTask<ReadAdmission> WaitAsync(
        in ReadRequest request,
        ReadWait wait,
        Slot slot,
        long deadlineMs,
        CancellationToken cancellationToken,
        bool isBoundToReplica = false)
    {
        var read = new TaskRead(wait == ReadWait.Applied ? null : StartSpan())
        {
            DeadlineMs = WaitDeadlineMs(wait, deadlineMs),
            IsBoundToReplica = isBoundToReplica,
        };
        Wait(read, request, wait, slot);
        return new ValueTask<ReadAdmission>(
            cancellationToken.CanBeCanceled ? read.Task.WaitAsync(cancellationToken) : read.Task);
    }

    private static Activity? StartSpan()
    {
        Activity? current = Activity.Current;
        Activity? span = NodeTracing.StartBelowCurrent(SpanNames.ReadIndex);
        Activity.Current = current;
        return span;
    }

    private bool IsFresh(int maxStalenessMs)
    {
        if (maxStalenessMs <= 0)
        {
            return true;
        }

        long freshAsOfMs = driver.FreshAsOfMs;
        long staleMs = clock.SinceBootMs - freshAsOfMs;
        if (freshAsOfMs == 0 || staleMs > maxStalenessMs)
        {
            // 0 means never, not the moment the machine booted.
            return false;
        }

        if (staleMs > maxStalenessMs / 2)
        {
            // Refresh ahead of time, so that continuous reads never have to wait for it.
            driver.Refresh();
        }

        return true;
    }

    private ReadAdmission TooStale(int maxStalenessMs)
    {
        long freshAsOfMs = driver.FreshAsOfMs;
        return new ReadAdmission(
            KvStatus.TooStale,
            freshAsOfMs == 0
                ? "this replica has not had contact with a leader yet"
                : $"this replica last had contact with the leader {clock.SinceBootMs - freshAsOfMs} ms ago,"
                    + $" max_staleness_ms is {maxStalenessMs}");
    }

    /// <summary>If the version was issued, its slot was chosen, and a read index taken afterwards covers it.</summary>
    private ReadAdmission ConcludeVersion(CommitVersion version)
    {
        CommitVersion applied = reader.AppliedVersion;
        return applied >= version
            ? ReadAdmission.Ok
            : new ReadAdmission(
                KvStatus.VersionInFuture, $"version {version} has not been issued; the newest is {applied}");
    }

    /// <summary>
    /// A client that wrote through this node expects to read its write here, so wait for it to be applied. If the wait
    /// fails, the write is answered anyway.
    /// </summary>
    private void AwaitVisible(CommitVersion version, long deadlineMs, Action then)
    {
        var request = new ReadRequest(null, AtVersion: version);
        if (TryAdmit(request, out _, out ReadWait wait, out Slot slot))
        {
            then();
        }
        else
        {
            Wait(new CallbackRead(then) { DeadlineMs = deadlineMs }, request, wait, slot);
        }
    }

    private static ReadAdmission Damaged(string damage) => new(KvStatus.Corruption, damage);

    private ReadAdmission NotHere(ReplicaStatus status)
    {
        if (status.Leader is not NodeId leader || leader == status.Self)
        {
            return new ReadAdmission(KvStatus.NoLeader, "no leader is known at the moment; nothing was done");
        }

        string? endpoint = clientEndpointOf(leader);
        return new ReadAdmission(
            KvStatus.NotLeader, $"Not leader: {leader} at {endpoint ?? "an unknown endpoint"} leads", endpoint);
    }

    private sealed class CallbackRead(Action then) : RoutedRead
    {
        protected override void Admitted(in ReadAdmission admission, Slot readIndex) => then();
    }

    private sealed class TaskRead(Activity? span) : RoutedRead
    {
        private readonly TaskCompletionSource<ReadAdmission> _outcome =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ReadAdmission> Task => _outcome.Task;

        public override void Confirmed(Slot readIndex) => span?.AddEvent(new ActivityEvent("confirmed"));

        protected override void Admitted(in ReadAdmission admission, Slot readIndex)
        {
            if (span is not null)
            {
                End(span, admission, readIndex);
            }

            _outcome.SetResult(admission);
        }

        private static void End(Activity span, in ReadAdmission admission, Slot readIndex)
        {
            if (admission.Code == KvStatus.Ok)
            {
                span.SetTag(SpanNames.Attributes.Slot, readIndex.Value);
            }
            else
            {
                span.SetStatus(ActivityStatusCode.Error, admission.Code.ToErrorName());
            }

            NodeTracing.End(span);
        }
    }
}
