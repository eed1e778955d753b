using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that becomes a command: checked here, then sent on its way through consensus.</summary>
internal abstract class WriteMethod(string name, KvBackend backend) : RpcMethod(name, OperationKind.Write)
{
    public KvBackend Backend { get; } = backend;

    /// <summary>Writes the answer to a command that took effect.</summary>
    public abstract void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result);

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Answers.Fill(NewAnswer(), in refusal));

    /// <summary>An answer that says no, with all required fields.</summary>
    protected abstract TBase NewAnswer();

    /// <summary>
    /// The call of a command. Its memory may be that of <paramref name="message"/>: it is encoded before this returns.
    /// </summary>
    protected IPendingCall NewCall(in RequestMessage message, KvCommand command, long? timeoutMs) =>
        RequestRules.Check(command, timeoutMs) is { } invalid
            ? Refuse(in message, invalid)
            : new WriteCall(this, in message)
            {
                Command = CommandCodec.Encode(command),
                DeadlineMs = Backend.DeadlineAfter(timeoutMs),
            };

    /// <summary>Null where the client asked for no identity; both or none of the first two are there.</summary>
    protected static RequestIdentity? IdentityOf(long? clientId, long? sequence, long? acknowledgedBelow) =>
        clientId is long client && sequence is long number
            ? new RequestIdentity(client, number, acknowledgedBelow ?? 0)
            : null;
}
