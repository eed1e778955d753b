using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Replication;

/// <summary>A write of a client of this node that is forwarded to the current leader.</summary>
internal sealed class PendingForward(PendingWrite write, Action<CommitVersion, long, Action> awaitVisible)
{
    public PendingWrite Write { get; } = write;

    /// <summary>
    /// Calls back when a version is readable on this node, or by the deadline (<see cref="IReplicaClock.NowMs"/>) at
    /// the latest.
    /// </summary>
    public Action<CommitVersion, long, Action> AwaitVisible { get; } = awaitVisible;

    /// <summary>The node that has the write.</summary>
    public NodeId Leader { get; set; }

    /// <summary>Loss epoch of the link to the leader, taken before the write was sent.</summary>
    public long LossEpoch { get; set; }

    /// <summary>Spans from sending to the answer; null if the write is not traced.</summary>
    public Activity? Span { get; private set; }

    /// <summary>Starts the span of one side of a forwarded write; null if the write is not traced.</summary>
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

    public void EndSpan(KvStatus code)
    {
        if (Span is { } span)
        {
            NodeTracing.End(span, code.ToErrorName());
        }
    }
}
