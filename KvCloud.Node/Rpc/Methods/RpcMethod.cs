using System.Text;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>One method of the contract: reads its request, has it carried out, writes its answer.</summary>
internal abstract class RpcMethod
{
    private readonly byte[] _nameUtf8;

    protected RpcMethod(string name)
    {
        Name = name;
        SpanName = SpanNames.CallPrefix + name;
        _nameUtf8 = Encoding.ASCII.GetBytes(name);
        Index = RpcMethodNames.IndexOf(name);
        Kind = RpcMethodNames.KindOf(Index);
    }

    public string Name { get; }

    public string SpanName { get; }

    public ReadOnlySpan<byte> NameUtf8 => _nameUtf8;

    /// <summary>Under which statistics count it.</summary>
    public int Index { get; }

    public RpcMethodKind Kind { get; }

    /// <summary>
    /// Answers into <paramref name="direct"/> and returns null, or returns a call for the connection's queue; must do
    /// the latter where <paramref name="direct"/> is null.
    /// </summary>
    /// <exception cref="ThriftContentException">The message is not a request of this method.</exception>
    public abstract IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct);

    /// <summary>Writes the answer that says why the call was not done.</summary>
    public abstract void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal);
}
