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
/// <param name="Origin">
/// The caller whose write it is, as the sender names it: <c>user anna</c>, <c>address 10.0.0.7</c>. Empty where it is
/// nobody's, or the connection is of a version that does not say.
/// </param>
internal sealed record Forward(
    NodeId From,
    NodeId To,
    long Id,
    int TimeoutMs,
    ReadOnlyMemory<byte> Command,
    ActivityContext Trace = default,
    string Origin = "")
    : Message(From, To);

/// <summary>Answer to <see cref="Forward"/>: the result of the write, or its refusal.</summary>
/// <param name="Result">The encoded result.</param>
internal sealed record ForwardReply(NodeId From, NodeId To, long Id, ReadOnlyMemory<byte> Result) : Message(From, To);
