using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Replication;

/// <summary>
/// This node's writes from arrival to answer: first waiting to be proposed, then in flight by slot. Owned by the
/// consensus worker.
/// </summary>
internal sealed class ProposalQueue(
    ReplicationOptions options, DriverInbox inbox, IReplicaRuntime runtime, SlotTraces traces)
{
    private static readonly CommandResult TooLate =
        new(KvStatus.Timeout, Message: "the deadline passed before the write was proposed; nothing was written");

    private readonly Queue<PendingWrite> _waiting = [];
    private readonly SortedDictionary<long, Proposed> _inFlight = [];
    private readonly List<PendingWrite> _batch = [];
    private readonly CommandBatchWriter _writer = new();
    private readonly AdaptiveBatching _batching = new(runtime.Clock, options.BatchingLimit);
    private readonly IReplicaClock _clock = runtime.Clock;
    private long _waitingBytes;

    private readonly record struct Proposed(Ballot Ballot, PendingWrite[] Writes, Activity? Span, long AtUs);

    public int WaitingCount => _waiting.Count;

    /// <summary>No write waits or is in flight.</summary>
    public bool IsIdle => _waiting.Count == 0 && _inFlight.Count == 0;

    /// <summary>
    /// Whether writes may be waiting for a larger batch, so that somebody must check when that wait ends.
    /// </summary>
    public bool MayBatch => _batching.TargetSize > 1;

    /// <summary>Whether a write arriving now would go into a slot of its own at once.</summary>
    public bool IsNextAlone => _inFlight.Count == 0 && _batching.LastSize <= 1;

    /// <summary>While fewer writes than this wait, <see cref="Pump"/> has nothing to do for them.</summary>
    public int TargetWrites(PaxosNode node) =>
        node.InFlightSlots < options.EagerInFlightSlots ? _batching.TargetSize : options.MaxBatchCommands;

    public void Add(List<PendingWrite> writes)
    {
        foreach (PendingWrite write in writes)
        {
            _waiting.Enqueue(write);
            _waitingBytes += write.Command.Length;
        }
    }

    /// <summary>
    /// Proposes waiting writes: in batches of the recent size while little is in flight, in full batches otherwise, so
    /// that load makes batches larger rather than more numerous.
    /// </summary>
    public void Pump(PaxosNode node)
    {
        while (_waiting.Count > 0)
        {
            bool isFull = _waiting.Count >= options.MaxBatchCommands || _waitingBytes >= options.MaxBatchBytes;
            if (!isFull && (node.InFlightSlots >= options.EagerInFlightSlots || _batching.ShouldWait(_waiting.Count)))
            {
                return;
            }

            // Drop expired writes before checking for room: the write behind them may need more.
            if (ExpireFirst())
            {
                continue;
            }

            // Room for the largest batch, or for a single command that is larger than that.
            int mayTake = Math.Max(options.MaxBatchBytes, _waiting.Peek().Command.Length);
            if (node.CanPropose((int)Math.Min(mayTake, _waitingBytes) + BatchOverheadBytes(_waiting.Count))
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
        ProposeResult result = node.Propose(_writer.Build(_clock.UnixMs, options.Retention));
        if (result.Status == ProposeStatus.Proposed)
        {
            runtime.Observer?.Proposed(result.Slot, result.Ballot, []);
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
        ProposeResult result = node.Propose(_writer.Build(_clock.UnixMs, options.Retention));
        Invariant.Check(
            result.Status == ProposeStatus.Proposed, "the window closed between its check and the proposal");
        runtime.Observer?.Proposed(result.Slot, result.Ballot, []);
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
            runtime.Metrics?.Chosen(_clock.NowUs - proposed.AtUs);
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
    public void RefuseWaiting(in CommandResult refusal)
    {
        int count = 0;
        long bytes = 0;
        while (_waiting.TryDequeue(out PendingWrite? write))
        {
            count++;
            bytes += write.Command.Length;
            write.Finish(refusal);
        }

        _waitingBytes = 0;
        if (count > 0)
        {
            inbox.Release(count, bytes);
        }
    }

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

    /// <summary>Upper bound of what the batch's header and length fields add.</summary>
    private int BatchOverheadBytes(int waiting) => 64 + (8 * Math.Min(waiting, options.MaxBatchCommands));

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
        for (int left = _waiting.Count; left > 0; left--)
        {
            PendingWrite write = _waiting.Dequeue();
            if (write.DeadlineMs > nowTickMs)
            {
                _waiting.Enqueue(write);
            }
            else
            {
                Drop(write);
            }
        }
    }

    private bool ExpireFirst()
    {
        if (_waiting.Peek().DeadlineMs > _clock.NowMs)
        {
            return false;
        }

        Drop(_waiting.Dequeue());
        return true;
    }

    /// <summary>Answers a write that left the queue after its deadline.</summary>
    private void Drop(PendingWrite write)
    {
        _waitingBytes -= write.Command.Length;
        inbox.Release(1, write.Command.Length);
        write.Finish(TooLate);
    }

    private void TakeBatch()
    {
        _batch.Clear();
        int taken = 0;
        long takenBytes = 0;
        while (_batch.Count < options.MaxBatchCommands && _waiting.TryPeek(out PendingWrite? write))
        {
            int length = write.Command.Length;
            if (_batch.Count > 0 && takenBytes + length > options.MaxBatchBytes)
            {
                break;
            }

            _waiting.Dequeue();
            taken++;
            takenBytes += length;
            _batch.Add(write);
        }

        _waitingBytes -= takenBytes;
        inbox.Release(taken, takenBytes);
    }

    private void ProposeBatch(PaxosNode node)
    {
        foreach (PendingWrite write in _batch)
        {
            _writer.Add(write.Command.Span);
        }

        byte[] payload = _writer.Build(_clock.UnixMs, options.Retention);
        ProposeResult result = node.Propose(payload);
        Invariant.Check(
            result.Status == ProposeStatus.Proposed, "the window closed between its check and the proposal");
        PendingWrite[] writes = [.. _batch];
        _inFlight.Add(
            result.Slot.Value,
            new Proposed(
                result.Ballot, writes, traces.Proposed(_batch, result.Slot, result.Ballot), _clock.NowUs));
        runtime.Metrics?.Proposed(_batch.Count, payload.Length);
        runtime.Observer?.Proposed(result.Slot, result.Ballot, writes);
        _batching.NoteProposed(_batch.Count);
        _batch[0].IsAlone = _batch.Count == 1;
    }
}
