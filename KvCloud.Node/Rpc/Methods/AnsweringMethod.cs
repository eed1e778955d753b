using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A method whose answers are written by the generated code.</summary>
internal abstract class AnsweringMethod<TResponse>(
    string name, OperationKind kind, KvBackend backend, bool isAtVersion = false)
    : RpcMethod(name, kind, isAtVersion)
    where TResponse : class, TBase, new()
{
    public KvBackend Backend { get; } = backend;

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refused(in refusal));

    /// <summary>An empty answer for an error, with all required fields set.</summary>
    protected virtual TResponse NewAnswer() => new();

    protected TResponse Refused(in Refusal refusal)
    {
        Backend.Statistics.CountRefusal(in refusal);
        return Answers.Fill(NewAnswer(), in refusal);
    }

    /// <summary>Like <see cref="WriteRefusal"/>, but returns the code, which statistics count.</summary>
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
