using System.Diagnostics;
using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// A follower passes a client's write to whom it takes for the leader. Travels beside consensus, which never sees it;
/// as lossy as all messages, so that a lost one must count as a write whose outcome is unknown.
/// </summary>
/// <param name="Id">The sender's own number, never used twice, not even after a restart.</param>
/// <param name="TimeoutMs">How long the client still waits.</param>
/// <param name="Command">The encoded command.</param>
/// <param name="Trace">The sender's span of it; default where the write is not traced.</param>
internal sealed record Forward(
    NodeId From, NodeId To, long Id, int TimeoutMs, ReadOnlyMemory<byte> Command, ActivityContext Trace = default)
    : Message(From, To);

/// <summary>Answer to <see cref="Forward"/>: what became of the write, a refusal included.</summary>
/// <param name="Result">The encoded result.</param>
internal sealed record ForwardReply(NodeId From, NodeId To, long Id, ReadOnlyMemory<byte> Result) : Message(From, To);
