using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Replication;

/// <summary>
/// This node's writes from arrival to answer: first waiting to be proposed, then in flight by slot. Owned by the
/// consensus worker.
/// </summary>
internal sealed class ProposalQueue
{
    private static readonly CommandResult TooLate =
        new(KvStatus.Timeout, Message: "the deadline passed before the write was proposed; nothing was written");

    /// <summary>Of writes that name no caller.</summary>
    private static readonly object Nobody = new();

    private readonly ReplicationOptions _options;
    private readonly DriverInbox _inbox;
    private readonly IReplicaRuntime _runtime;
    private readonly SlotTraces _traces;
    private readonly FairQueue<PendingWrite> _waiting;
    private readonly SortedDictionary<long, Proposed> _inFlight = [];
    private readonly List<PendingWrite> _batch = [];
    private readonly CommandBatchWriter _writer = new();
    private readonly AdaptiveBatching _batching;
    private readonly IReplicaClock _clock;
    private readonly ContentionTracker _contention;

    public ProposalQueue(
        ReplicationOptions options, DriverInbox inbox, IReplicaRuntime runtime, SlotTraces traces)
    {
        _options = options;
        _inbox = inbox;
        _runtime = runtime;
        _traces = traces;
        _clock = runtime.Clock;
        _batching = new AdaptiveBatching(runtime.Clock, options.BatchingLimit);
        _contention = new ContentionTracker(runtime.Clock);
        _waiting = new FairQueue<PendingWrite>(MustWait);
    }

    private readonly record struct Proposed(Ballot Ballot, PendingWrite[] Writes, Activity? Span, long AtUs);

    public int WaitingCount => _waiting.Count;

    /// <summary>No write waits or is in flight.</summary>
    public bool IsIdle => _waiting.Count == 0 && _inFlight.Count == 0;

    /// <summary>
    /// Whether writes may be waiting for a larger batch, so that somebody must check when that wait ends.
    /// </summary>
    public bool MayBatch => _batching.TargetSize > 1;

    /// <summary>
    /// Whether writes wait until others of their caller are answered, so that somebody must check when that happens.
    /// </summary>
    public bool IsHeld => _contention.IsContended && _waiting.Count > 0;

    /// <summary>Whether a write arriving now would go into a slot of its own at once.</summary>
    public bool IsNextAlone => _inFlight.Count == 0 && _batching.LastSize <= 1;

    /// <summary>While fewer writes than this wait, <see cref="Pump"/> has nothing to do for them.</summary>
    public int TargetWrites(PaxosNode node) =>
        node.InFlightSlots < _options.EagerInFlightSlots ? _batching.TargetSize : _options.MaxBatchCommands;

    public void Add(List<PendingWrite> writes)
    {
        foreach (PendingWrite write in writes)
        {
            object flow = write.Flow ?? Nobody;
            _contention.Note(flow);
            _waiting.Enqueue(write, flow, write.Connection ?? flow, write.Command.Length);
        }
    }

    /// <summary>
    /// Proposes waiting writes: in batches of the recent size while little is in flight, in full batches otherwise, so
    /// that load makes batches larger rather than more numerous.
    /// </summary>
    public void Pump(PaxosNode node)
    {
        while (_waiting.TryPeek(out PendingWrite? next))
        {
            (int count, long bytes) = _contention.IsContended ? _waiting.Ready() : (_waiting.Count, _waiting.Bytes);
            bool isFull = count >= _options.MaxBatchCommands || bytes >= _options.MaxBatchBytes;
            if (!isFull && (node.InFlightSlots >= _options.EagerInFlightSlots || _batching.ShouldWait(count)))
            {
                return;
            }

            // Drop expired writes before checking for room: the write behind them may need more.
            if (next.DeadlineMs <= _clock.NowMs)
            {
                _waiting.TryDequeue(out _);
                Answer([next], in TooLate);
                continue;
            }

            // Room for the largest batch, or for a single command that is larger than that.
            int mayTake = Math.Max(_options.MaxBatchBytes, next.Command.Length);
            if (node.CanPropose((int)Math.Min(mayTake, bytes) + BatchOverheadBytes(count))
                != ProposeStatus.Proposed)
            {
                return;
            }

            TakeBatch();
            ProposeBatch(node);
        }
    }

    /// <summary>Proposes a batch without commands: time goes on with it. Nobody waits for its outcome.</summary>
    public void ProposeEmpty(PaxosNode node)
    {
        ProposeResult result = node.Propose(_writer.Build(_clock.UnixMs, _options.Retention));
        if (result.Status == ProposeStatus.Proposed)
        {
            _runtime.Observer?.Proposed(result.Slot, result.Ballot, []);
        }
    }

    /// <summary>Proposes a higher feature level in a slot of its own; null where the window has no room.</summary>
    public Slot? ProposeRaise(PaxosNode node, int level)
    {
        byte[] command = CommandCodec.Encode(new RaiseFeatureLevelCommand(level));
        if (node.CanPropose(CommandBatch.HeaderSizeBytes + CommandBatchWriter.SizeBytesOf(command))
            != ProposeStatus.Proposed)
        {
            return null;
        }

        _writer.Add(command);
        ProposeResult result = node.Propose(_writer.Build(_clock.UnixMs, _options.Retention));
        Invariant.Check(
            result.Status == ProposeStatus.Proposed, "the window closed between its check and the proposal");
        _runtime.Observer?.Proposed(result.Slot, result.Ballot, []);
        return result.Slot;
    }

    /// <summary>
    /// The slot is chosen. Returns this node's writes if their batch is what was chosen. If another value was chosen,
    /// answers them that nothing was written: a batch is never proposed in two slots.
    /// </summary>
    public PendingWrite[]? TakeChosen(in ChosenEntry entry)
    {
        if (!_inFlight.Remove(entry.Slot.Value, out Proposed proposed))
        {
            return null;
        }

        if (entry.Value.Origin == proposed.Ballot && entry.Value.Kind == ValueKind.Commands)
        {
            EndSpan(in proposed, KvStatus.Ok);
            _runtime.Metrics?.Chosen(_clock.NowUs - proposed.AtUs);
            return proposed.Writes;
        }

        EndSpan(in proposed, KvStatus.NotLeader);
        Finish(proposed.Writes, new CommandResult(
            KvStatus.NotLeader, Message: "Not leader: another leader's value took the slot; nothing was written"));
        return null;
    }

    /// <summary>
    /// This node does not lead: the waiting writes were never proposed, so they can safely be sent elsewhere.
    /// </summary>
    public void RefuseWaiting(in CommandResult refusal) => Answer(_waiting.RemoveAll(_ => true), in refusal);

    /// <summary>Answers writes whose deadline has passed. Those in flight may still be chosen later.</summary>
    public void Expire(long nowTickMs)
    {
        foreach (Proposed proposed in _inFlight.Values)
        {
            foreach (PendingWrite write in proposed.Writes)
            {
                if (write.DeadlineMs <= nowTickMs)
                {
                    write.Finish(new CommandResult(
                        KvStatus.OutcomeUnknown,
                        Message: "the deadline passed while the write was in consensus: it may or may not take"
                            + " effect"));
                }
            }
        }

        ExpireWaiting(nowTickMs);
    }

    /// <summary>
    /// Answers all writes in flight that their outcome is unknown: this node does not lead, and will not learn it soon.
    /// </summary>
    public void GiveUpInFlight()
    {
        foreach (Proposed proposed in _inFlight.Values)
        {
            Finish(proposed.Writes, new CommandResult(
                KvStatus.OutcomeUnknown,
                Message: "the disk of this node, which led when the write came, is full (min_space_mb): it may or may"
                    + " not take effect"));
        }
    }

    /// <summary>Called periodically: after an idle time a write does not wait for others.</summary>
    public void NoteIfIdle()
    {
        if (IsIdle)
        {
            _batching.NoteIdle();
        }
    }

    /// <summary>The node is stopping: nobody else will answer these writes.</summary>
    public void Abandon()
    {
        RefuseWaiting(new CommandResult(KvStatus.ShuttingDown, Message: "the node is stopping; nothing was written"));
        foreach (Proposed proposed in _inFlight.Values)
        {
            EndSpan(in proposed, KvStatus.OutcomeUnknown);
            Finish(proposed.Writes, new CommandResult(
                KvStatus.OutcomeUnknown, Message: "the node stopped while the write was in consensus"));
        }

        _inFlight.Clear();
    }

    /// <summary>
    /// While several callers write, one of them has no more in consensus than goes through it in a few milliseconds:
    /// the writes of others are applied behind that.
    /// </summary>
    private bool MustWait(object flow) =>
        flow is Flow { IsAtProposedLimit: true } && _contention.IsContended;

    /// <summary>Upper bound of what the batch's header and length fields add.</summary>
    private int BatchOverheadBytes(int waiting) => 64 + (8 * Math.Min(waiting, _options.MaxBatchCommands));

    private static void EndSpan(in Proposed proposed, KvStatus code)
    {
        if (proposed.Span is { } span)
        {
            NodeTracing.End(span, code.ToErrorName());
        }
    }

    private static void Finish(PendingWrite[] writes, in CommandResult result)
    {
        foreach (PendingWrite write in writes)
        {
            write.Finish(result);
        }
    }

    /// <summary>
    /// Callers choose their deadlines, so any waiting write may have expired, not just the first ones.
    /// </summary>
    private void ExpireWaiting(long nowTickMs)
    {
        if (_waiting.Count > 0)
        {
            Answer(_waiting.RemoveAll(write => write.DeadlineMs <= nowTickMs), in TooLate);
        }
    }

    /// <summary>Answers writes that left the queue without having been proposed.</summary>
    private void Answer(List<PendingWrite> writes, in CommandResult refusal)
    {
        if (writes.Count > 0)
        {
            _inbox.Release(writes);
            Finish([.. writes], in refusal);
        }
    }

    private void TakeBatch()
    {
        _batch.Clear();
        long takenBytes = 0;
        while (_batch.Count < _options.MaxBatchCommands && _waiting.TryPeek(out PendingWrite? write))
        {
            int length = write.Command.Length;
            if (_batch.Count > 0 && takenBytes + length > _options.MaxBatchBytes)
            {
                break;
            }

            _waiting.TryDequeue(out _);
            takenBytes += length;
            write.NoteProposed();
            _batch.Add(write);
        }

        _inbox.Release(_batch);
    }

    private void ProposeBatch(PaxosNode node)
    {
        foreach (PendingWrite write in _batch)
        {
            _writer.Add(write.Command.Span);
        }

        byte[] payload = _writer.Build(_clock.UnixMs, _options.Retention);
        ProposeResult result = node.Propose(payload);
        Invariant.Check(
            result.Status == ProposeStatus.Proposed, "the window closed between its check and the proposal");
        PendingWrite[] writes = [.. _batch];
        _inFlight.Add(
            result.Slot.Value,
            new Proposed(
                result.Ballot, writes, _traces.Proposed(_batch, result.Slot, result.Ballot), _clock.NowUs));
        _runtime.Metrics?.Proposed(_batch.Count, payload.Length);
        _runtime.Observer?.Proposed(result.Slot, result.Ballot, writes);
        _batching.NoteProposed(_batch.Count);
        _batch[0].IsAlone = _batch.Count == 1;
    }
}
