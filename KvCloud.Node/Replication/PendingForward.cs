using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Replication;

/// <summary>A write of this node's client that goes to the leader, wherever it is at the moment.</summary>
internal sealed class PendingForward(PendingWrite write, Action<CommitVersion, long, Action> awaitVisible)
{
    public PendingWrite Write { get; } = write;

    /// <summary>
    /// Calls back when a version is readable on this node, or by the deadline (<see cref="IReplicaClock.NowMs"/>) at
    /// the latest.
    /// </summary>
    public Action<CommitVersion, long, Action> AwaitVisible { get; } = awaitVisible;

    /// <summary>Who has it.</summary>
    public NodeId Leader { get; set; }

    /// <summary>Loss epoch of the link to the leader before it was sent.</summary>
    public long LossEpoch { get; set; }

    /// <summary>From its sending to its answer; null where the write is not traced.</summary>
    public Activity? Span { get; private set; }

    /// <summary>The span of one side of a write that is forwarded; null where it is not traced.</summary>
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
