using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.State;
using KvCloud.Node.Tracing;
using KvCloud.Protocol;

namespace KvCloud.Node.Routing;

/// <summary>Decides by kind of operation, consistency level and role of this node where a call runs.</summary>
internal sealed class RoutingManager(
    ConsensusDriver driver,
    WriteForwarder forwarder,
    KvReader reader,
    RoutingOptions options,
    Func<NodeId, string?> clientEndpointOf)
{
    /// <summary>How long a local read may wait for word from the leader before it is refused as too stale.</summary>
    private const int FreshWaitMs = 500;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private ReadBatch? _openBatch;

    /// <summary>Sends a write on its way. The answer, refusals included, comes by <see cref="PendingWrite.Finish"/>.</summary>
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
            forwarder.Write(write, AwaitVisibleAsync);
            return;
        }

        ReadAdmission refusal = NotHere(status);
        write.Finish(new CommandResult(
            refusal.Code, Message: refusal.Message, LeaderEndpoint: refusal.LeaderEndpoint));
    }

    /// <summary>
    /// Completes when a read at this level may look into the local store; at once for LOCAL on a replica that is known to
    /// be in touch, and for LEADER inside the lease. Null arguments mean what is configured.
    /// </summary>
    public ValueTask<ReadAdmission> AdmitReadAsync(
        ReadConsistency? level, int? maxStalenessMs, long deadlineTickMs, CancellationToken cancellationToken)
    {
        switch (level ?? options.ConsistencyLevel)
        {
            case ReadConsistency.LOCAL when options.AllowStaleReads:
                return AdmitLocal(maxStalenessMs ?? options.MaxStalenessMs, deadlineTickMs, cancellationToken);
            case ReadConsistency.LEADER:
                ReplicaStatus status = driver.Status;
                if (driver.HasLease)
                {
                    // A follower may have shown already what was chosen and is not applied here yet.
                    return driver.AppliedSlot >= status.ChosenSlot
                        ? new ValueTask<ReadAdmission>(ReadAdmission.Ok)
                        : AwaitAppliedAsync(status.ChosenSlot, deadlineTickMs, cancellationToken);
                }

                return status.Role == Role.Leader
                    ? AwaitReadIndexAsync(deadlineTickMs, cancellationToken)
                    : new ValueTask<ReadAdmission>(NotHere(status));
            default:
                return AwaitReadIndexAsync(deadlineTickMs, cancellationToken);
        }
    }

    /// <summary>
    /// Completes when this replica has applied <paramref name="version"/>; VERSION_IN_FUTURE when nobody has issued it.
    /// </summary>
    public ValueTask<ReadAdmission> AdmitReadAtAsync(
        CommitVersion version, long deadlineTickMs, CancellationToken cancellationToken) =>
        reader.AppliedVersion >= version
            ? new ValueTask<ReadAdmission>(ReadAdmission.Ok)
            : AwaitVersionAsync(version, deadlineTickMs, cancellationToken);

    /// <summary>The newest committed version that a later read anywhere must see (linearizable).</summary>
    public async ValueTask<(ReadAdmission Admission, CommitVersion Version)> GetReadVersionAsync(
        long deadlineTickMs, CancellationToken cancellationToken)
    {
        Slot chosen = driver.Status.ChosenSlot;
        ReadAdmission admission = driver.HasLease
            ? await AwaitAppliedAsync(chosen, deadlineTickMs, cancellationToken).ConfigureAwait(false)
            : await AwaitReadIndexAsync(deadlineTickMs, cancellationToken).ConfigureAwait(false);
        return (admission, admission.Code == ErrorCode.OK ? reader.AppliedVersion : CommitVersion.Zero);
    }

    private ValueTask<ReadAdmission> AdmitLocal(
        int maxStalenessMs, long deadlineTickMs, CancellationToken cancellationToken)
    {
        if (maxStalenessMs <= 0)
        {
            return new ValueTask<ReadAdmission>(ReadAdmission.Ok);
        }

        long staleMs = Environment.TickCount64 - driver.InTouchTickMs;
        if (staleMs > maxStalenessMs)
        {
            return AwaitFreshAsync(maxStalenessMs, deadlineTickMs, cancellationToken);
        }

        if (staleMs > maxStalenessMs / 2)
        {
            // Asked for while there is time, so that reads that go on never have to wait for it.
            _ = JoinBatch();
        }

        return new ValueTask<ReadAdmission>(ReadAdmission.Ok);
    }

    private async ValueTask<ReadAdmission> AwaitFreshAsync(
        int maxStalenessMs, long deadlineTickMs, CancellationToken cancellationToken)
    {
        long untilTickMs = Math.Min(deadlineTickMs, Environment.TickCount64 + FreshWaitMs);
        ReadAdmission admission = await AwaitReadIndexAsync(untilTickMs, cancellationToken).ConfigureAwait(false);
        if (admission.Code == ErrorCode.OK)
        {
            return admission;
        }

        long inTouch = driver.InTouchTickMs;
        return new ReadAdmission(
            ErrorCode.TOO_STALE,
            inTouch == 0
                ? "this replica has not been in touch with a leader yet"
                : $"this replica was last in touch {Environment.TickCount64 - inTouch} ms ago,"
                    + $" max_staleness_ms is {maxStalenessMs}");
    }

    private async ValueTask<ReadAdmission> AwaitVersionAsync(
        CommitVersion version, long deadlineTickMs, CancellationToken cancellationToken)
    {
        // Whoever issued the version had it chosen: a read index taken now covers it.
        ReadAdmission admission = await AwaitReadIndexAsync(deadlineTickMs, cancellationToken).ConfigureAwait(false);
        if (admission.Code != ErrorCode.OK)
        {
            return admission;
        }

        CommitVersion applied = reader.AppliedVersion;
        return applied >= version
            ? ReadAdmission.Ok
            : new ReadAdmission(
                ErrorCode.VERSION_IN_FUTURE, $"version {version} has not been issued; the newest is {applied}");
    }

    /// <summary>
    /// Who wrote through this node expects to read it here. In vain at worst: the write has its answer either way.
    /// </summary>
    private async Task AwaitVisibleAsync(
        CommitVersion version, long deadlineTickMs, CancellationToken cancellationToken) =>
        await AdmitReadAtAsync(version, deadlineTickMs, cancellationToken).ConfigureAwait(false);

    /// <summary>Asks for read indexes, a new one for each attempt, until one is confirmed and applied here.</summary>
    private async ValueTask<ReadAdmission> AwaitReadIndexAsync(
        long deadlineTickMs, CancellationToken cancellationToken)
    {
        using Activity? span = NodeTracing.StartBelowCurrent(SpanNames.ReadIndex);
        while (true)
        {
            ReadIndexResult result = await JoinBatch().WaitAsync(cancellationToken).ConfigureAwait(false);
            if (result.Confirmed)
            {
                span?.SetTag(SpanNames.Attributes.Slot, result.Slot.Value);
                span?.AddEvent(new ActivityEvent("confirmed"));
                return await AwaitAppliedAsync(result.Slot, deadlineTickMs, cancellationToken).ConfigureAwait(false);
            }

            if (Environment.TickCount64 + RetryPause.TotalMilliseconds >= deadlineTickMs)
            {
                span?.SetStatus(ActivityStatusCode.Error, nameof(ErrorCode.NO_LEADER));
                return new ReadAdmission(ErrorCode.NO_LEADER, "no leader confirmed the read before its deadline");
            }

            await Task.Delay(RetryPause, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<ReadAdmission> AwaitAppliedAsync(
        Slot slot, long deadlineTickMs, CancellationToken cancellationToken)
    {
        Task applied = driver.WaitForAppliedAsync(slot);
        if (!applied.IsCompleted)
        {
            long remainingMs = Math.Max(1, deadlineTickMs - Environment.TickCount64);
            try
            {
                await applied.WaitAsync(TimeSpan.FromMilliseconds(remainingMs), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return new ReadAdmission(
                    ErrorCode.TIMEOUT, $"this replica had not applied slot {slot} when the deadline passed");
            }
        }

        return ReadAdmission.Ok;
    }

    private Task<ReadIndexResult> JoinBatch()
    {
        ReadBatch batch;
        lock (_gate)
        {
            if (_openBatch is { IsClosed: false } open)
            {
                return open.Outcome;
            }

            batch = new ReadBatch(_gate);
            _openBatch = batch;
        }

        driver.ReadIndex(batch);
        return batch.Outcome;
    }

    private ReadAdmission NotHere(ReplicaStatus status)
    {
        if (status.Leader is not NodeId leader || leader == status.Self)
        {
            return new ReadAdmission(ErrorCode.NO_LEADER, "no leader is known at the moment; nothing was done");
        }

        string? endpoint = clientEndpointOf(leader);
        return new ReadAdmission(
            ErrorCode.NOT_LEADER, $"Not leader: {leader} at {endpoint ?? "an unknown endpoint"} leads", endpoint);
    }
}
