using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A method whose answers go through the generated code.</summary>
internal abstract class AnsweringMethod<TResponse>(
    string name, OperationKind kind, KvBackend backend, bool isAtVersion = false)
    : RpcMethod(name, kind, isAtVersion)
    where TResponse : class, TBase, new()
{
    public KvBackend Backend { get; } = backend;

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refused(in refusal));

    /// <summary>An answer that says no, with all required fields.</summary>
    protected virtual TResponse NewAnswer() => new();

    protected TResponse Refused(in Refusal refusal) => Answers.Fill(NewAnswer(), in refusal);

    /// <summary>As <see cref="WriteRefusal"/>; returns the code, for statistics.</summary>
    protected ErrorCode WriteRefused(AnswerWriter output, int sequenceId, in Refusal refusal)
    {
        WriteRefusal(output, sequenceId, in refusal);
        return refusal.Code;
    }

    protected ErrorCode Write(AnswerWriter output, int sequenceId, TResponse answer)
    {
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, answer);
        return Answers.CodeOf(answer);
    }
}
