using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// The traces of slots. On the leader, a slot that holds a traced write gets a span from its proposal until it is
/// chosen: a child of the first such write of the batch, linked to the others. Its context is sent to the followers
/// alongside consensus (<see cref="SlotTrace"/>), so that each replica adds its log sync and its apply to that trace.
/// Neither the log nor the state contains it, and losing a context only loses spans.
/// </summary>
/// <remarks>
/// Remembers only the newest slots, in a ring. Thread-safe except for the outgoing contexts, which the consensus worker
/// owns.
/// </remarks>
internal sealed class SlotTraces(NodeId self, IReadOnlyList<NodeId> voters)
{
    /// <summary>
    /// Slots remembered. More than are in flight by default, since each slot displaces the one this far below it.
    /// </summary>
    internal const int Capacity = 1024;

    /// <summary>OpenTelemetry's default limit; an exporter would drop links beyond it.</summary>
    private const int MaxLinks = 128;

    private readonly Remembered?[] _ring = new Remembered?[Capacity];
    private readonly List<Message> _outgoing = [];
    private volatile bool _isUsed;

    private sealed record Remembered(Slot Slot, Ballot Origin, ActivityContext Context);

    /// <summary>Notes that a slot is traced, as reported by the leader or known by this node itself.</summary>
    public void Note(Slot slot, Ballot origin, in ActivityContext context)
    {
        if (NodeTracing.IsOn && TraceParent.IsValid(in context))
        {
            Volatile.Write(ref _ring[slot.Value % Capacity], new Remembered(slot, origin, context));
            _isUsed = true;
        }
    }

    /// <summary>Starts the span of a slot just proposed; null if none of its writes is traced.</summary>
    public Activity? Proposed(List<PendingWrite> writes, Slot slot, Ballot ballot)
    {
        if (!NodeTracing.IsOn)
        {
            return null;
        }

        List<Activity> traced = [];
        foreach (PendingWrite write in writes)
        {
            if (write.Span is { } span)
            {
                traced.Add(span);
            }
        }

        return traced.Count > 0 ? Begin(traced, writes.Count, slot, ballot) : null;
    }

    /// <summary>
    /// Tells the followers about slots proposed since the last call. Called before the step sends its messages.
    /// </summary>
    public void SendOutgoing(IConsensusTransport transport)
    {
        if (_outgoing.Count > 0)
        {
            transport.Send(_outgoing);
            _outgoing.Clear();
        }
    }

    /// <summary>
    /// The time at which a log write or an apply begins or ends; default while no slot has been traced.
    /// </summary>
    public DateTime Now() => _isUsed && NodeTracing.IsOn ? DateTime.UtcNow : default;

    /// <summary>The entries of these writes are durable in this replica's log.</summary>
    public void LogSynced(List<Effects> writes, DateTime started)
    {
        if (started == default)
        {
            return;
        }

        DateTime ended = DateTime.UtcNow;
        int slots = 0;
        foreach (Effects effects in writes)
        {
            slots += effects.Append.Count;
        }

        foreach (Effects effects in writes)
        {
            foreach (LogEntry entry in effects.Append)
            {
                Record(SpanNames.LogSync, entry.Slot, entry.Value.Origin, started, ended, slots);
            }
        }
    }

    /// <summary>The entries were applied here by <paramref name="ended"/>.</summary>
    public void Applied(List<ChosenEntry> entries, DateTime started, DateTime ended)
    {
        if (started == default)
        {
            return;
        }

        foreach (ChosenEntry entry in entries)
        {
            Record(SpanNames.Apply, entry.Slot, entry.Value.Origin, started, ended, entries.Count);
        }
    }

    private Activity? Begin(List<Activity> traced, int commands, Slot slot, Ballot ballot)
    {
        IEnumerable<ActivityLink> links = traced.Skip(1).Take(MaxLinks).Select(span => new ActivityLink(span.Context));
        Activity? consensus = NodeTracing.Start(
            SpanNames.Consensus, ActivityKind.Internal, traced[0].Context, traced.Count > 1 ? [.. links] : null);
        if (consensus is null)
        {
            return null;
        }

        consensus.SetTag(SpanNames.Attributes.Node, self.Value);
        consensus.SetTag(SpanNames.Attributes.Slot, slot.Value);
        consensus.SetTag(SpanNames.Attributes.BallotRound, ballot.Round);
        consensus.SetTag(SpanNames.Attributes.Commands, commands);
        consensus.SetTag(SpanNames.Attributes.TracedCommands, traced.Count);
        for (int i = 1; i < traced.Count; i++)
        {
            traced[i].AddLink(new ActivityLink(consensus.Context));
        }

        ActivityContext context = consensus.Context;
        Note(slot, ballot, in context);
        foreach (NodeId voter in voters)
        {
            if (voter != self)
            {
                _outgoing.Add(new SlotTrace(self, voter, slot, ballot, context));
            }
        }

        return consensus;
    }

    private void Record(string name, Slot slot, Ballot origin, DateTime started, DateTime ended, int slots)
    {
        // Another leader's value may have taken the slot; that one is not what was traced.
        if (Volatile.Read(ref _ring[slot.Value % Capacity]) is { } known
            && known.Slot == slot && known.Origin == origin)
        {
            NodeTracing.Record(
                name,
                known.Context,
                started,
                ended,
                [
                    (SpanNames.Attributes.Node, self.Value),
                    (SpanNames.Attributes.Slot, slot.Value),
                    (SpanNames.Attributes.Slots, slots),
                ]);
        }
    }
}
