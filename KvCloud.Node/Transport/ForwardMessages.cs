using System.Diagnostics;
using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// A follower forwards a client's write to the node it believes to lead. Sent alongside consensus, which never sees it.
/// Like any message it may be lost, and the outcome of the write is then unknown.
/// </summary>
/// <param name="Id">The sender's own number, never reused, not even after a restart.</param>
/// <param name="TimeoutMs">How long the client will still wait.</param>
/// <param name="Command">The encoded command.</param>
/// <param name="Trace">The sender's span of the write; default if it is not traced.</param>
internal sealed record Forward(
    NodeId From, NodeId To, long Id, int TimeoutMs, ReadOnlyMemory<byte> Command, ActivityContext Trace = default)
    : Message(From, To);

/// <summary>Answer to <see cref="Forward"/>: the result of the write, or its refusal.</summary>
/// <param name="Result">The encoded result.</param>
internal sealed record ForwardReply(NodeId From, NodeId To, long Id, ReadOnlyMemory<byte> Result) : Message(From, To);
