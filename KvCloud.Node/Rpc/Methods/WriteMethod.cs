using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A write: validates the request, then proposes its command.</summary>
internal abstract class WriteMethod(string name, KvBackend backend) : RpcMethod(name, OperationKind.Write)
{
    public KvBackend Backend { get; } = backend;

    /// <summary>Writes the answer to a command that took effect.</summary>
    public abstract void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result);

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
    {
        Backend.Statistics.CountRefusal(in refusal);
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Answers.Fill(NewAnswer(), in refusal));
    }

    /// <summary>An empty answer for an error, with all required fields set.</summary>
    protected abstract TBase NewAnswer();

    /// <summary>
    /// Creates the call for a command. The command may point into <paramref name="message"/>: it is encoded before this
    /// returns.
    /// </summary>
    /// <param name="done">Hears of the outcome, from a replication thread; null where nobody wants to.</param>
    /// <remarks><see cref="Admit"/> has let the command through.</remarks>
    protected IPendingCall NewCall(
        in RequestMessage message, KvCommand command, long? timeoutMs, Action<CommandResult>? done = null) =>
        RequestRules.Check(command, timeoutMs) is { } invalid
            ? Refuse(in message, invalid)
            : new WriteCall(this, in message)
            {
                Command = CommandCodec.Encode(command),
                DeadlineMs = Backend.DeadlineAfter(timeoutMs, in message),
                Done = done,
            };

    /// <summary>
    /// Why the caller may not have the command run; null if it may, and then the command carries the principal.
    /// </summary>
    protected Refusal? Admit(Caller? caller, Principal principal, ref KvCommand command) =>
        Backend.Access.Admit(caller, principal, ref command);

    /// <summary>
    /// Null if the client sent no identity. client_id and sequence are either both set or both absent.
    /// </summary>
    protected static RequestIdentity? IdentityOf(long? clientId, long? sequence, long? acknowledgedBelow) =>
        clientId is long client && sequence is long number
            ? new RequestIdentity(client, number, acknowledgedBelow ?? 0)
            : null;
}
