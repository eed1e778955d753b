using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>One method of the contract: reads a request and says, as a call, what is to be done.</summary>
internal abstract class RpcMethod
{
    private readonly byte[] _nameUtf8;

    /// <param name="kind">What the method implements; it must be what <see cref="OperationClassifier"/> has.</param>
    /// <param name="isAtVersion">As <paramref name="kind"/>.</param>
    /// <exception cref="InvariantViolationException">The table says otherwise, or has no such method.</exception>
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

    /// <summary>How the method is classified, and under which index it is counted.</summary>
    public KvOperation Operation { get; }

    public string Name => Operation.Method;

    public string SpanName { get; }

    public ReadOnlySpan<byte> NameUtf8 => _nameUtf8;

    /// <summary>
    /// What is to be done: a command, a read, or an answer that is known. Whether the call runs at once or waits in
    /// its connection's queue is for the connection to say.
    /// </summary>
    /// <exception cref="ThriftContentException">The message is not a request of this method.</exception>
    public abstract IPendingCall Dispatch(in RequestMessage message);

    /// <summary>Writes the answer that says why the call was not done.</summary>
    public abstract void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal);

    /// <summary>A call that does nothing but say why.</summary>
    public IPendingCall Refuse(in RequestMessage message, in Refusal refusal) =>
        new RefusedCall(this, in message, in refusal);
}
