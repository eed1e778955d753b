using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>One method of the contract: parses a request and creates the call for it.</summary>
internal abstract class RpcMethod
{
    private readonly byte[] _nameUtf8;

    /// <param name="kind">What the method implements; must match <see cref="OperationClassifier"/>.</param>
    /// <param name="isAtVersion">Must match, like <paramref name="kind"/>.</param>
    /// <exception cref="InvariantViolationException">The classifier disagrees or has no such method.</exception>
    protected RpcMethod(string name, OperationKind kind, bool isAtVersion = false)
        : this(OperationClassifier.Find(name) ?? OperationClassifier.Unknown)
    {
        Invariant.Check(
            Operation.Method == name && Operation.Kind == kind && Operation.IsAtVersion == isAtVersion,
            $"{name} is implemented as {kind}, at a version: {isAtVersion}; the table has {Operation}");
    }

    private protected RpcMethod(KvOperation operation)
    {
        Operation = operation;
        SpanName = SpanNames.CallPrefix + operation.Method;
        _nameUtf8 = Encoding.ASCII.GetBytes(operation.Method);
    }

    /// <summary>The classification of the method, and the index under which its calls are counted.</summary>
    public KvOperation Operation { get; }

    public string Name => Operation.Method;

    public string SpanName { get; }

    /// <summary>Whether a request can carry a token of its own, so that only the method can tell who calls.</summary>
    public virtual bool TakesToken => false;

    public ReadOnlySpan<byte> NameUtf8 => _nameUtf8;

    /// <summary>The timeout that a request names; null where it names none.</summary>
    /// <exception cref="ThriftContentException">The message is not a request of this method.</exception>
    public virtual long? TimeoutOf(in RequestMessage message) => null;

    /// <summary>The timeout that the request names; null where it names none.</summary>
    protected static long? GivenTimeoutMs(ITimedRequest request) => request.GivenTimeoutMs;

    /// <summary>
    /// Creates the call: a command, a read, or a known answer. The connection decides whether the call runs immediately
    /// or waits in its queue.
    /// </summary>
    /// <exception cref="ThriftContentException">The message is not a request of this method.</exception>
    public abstract IPendingCall Dispatch(in RequestMessage message);

    /// <summary>Writes an answer that says why the call was refused.</summary>
    public abstract void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal);

    /// <summary>Creates a call that only answers with the refusal.</summary>
    public RefusedCall Refuse(in RequestMessage message, in Refusal refusal) =>
        new RefusedCall(this, in message, in refusal);
}
