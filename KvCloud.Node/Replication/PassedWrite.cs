using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Tracing;
using KvCloud.Protocol;

namespace KvCloud.Node.Replication;

/// <summary>A write of this node's client that goes to the leader, wherever it is at the moment.</summary>
internal sealed class PassedWrite(PendingWrite write, WriteForwarder.VisibleWait visible)
{
    public PendingWrite Write { get; } = write;

    public WriteForwarder.VisibleWait Visible { get; } = visible;

    /// <summary>Who has it.</summary>
    public NodeId Leader { get; set; }

    /// <summary>Loss epoch of the link to the leader before it was sent.</summary>
    public long LossEpoch { get; set; }

    /// <summary>From its sending to its answer; null where the write is not traced.</summary>
    public Activity? Span { get; private set; }

    /// <summary>The span of one side of a write that is passed on; null where it is not traced.</summary>
    public static Activity? StartSpan(ActivityKind kind, ActivityContext parent, NodeId self, NodeId peer)
    {
        if (!NodeTracing.IsOn || !TraceParent.IsValid(in parent))
        {
            return null;
        }

        Activity? span = NodeTracing.Start(SpanNames.Forward, kind, parent);
        span?.SetTag(SpanNames.Attributes.Node, self.Value);
        span?.SetTag(SpanNames.Attributes.Peer, peer.Value);
        return span;
    }

    public void StartSpan(NodeId self) =>
        Span = StartSpan(ActivityKind.Client, Write.Span?.Context ?? default, self, Leader);

    public void EndSpan(ErrorCode code)
    {
        if (Span is { } span)
        {
            NodeTracing.End(span, code);
        }
    }
}
