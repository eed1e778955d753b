using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that becomes a command: checked here, then sent on its way through consensus.</summary>
internal abstract class WriteMethod(string name, KvBackend backend) : RpcMethod(name)
{
    public KvBackend Backend { get; } = backend;

    /// <summary>Writes the answer to a command that took effect.</summary>
    public abstract void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result);

    /// <summary>
    /// Sends the command on its way. Its memory may be that of <paramref name="message"/>: it is encoded before this
    /// returns.
    /// </summary>
    protected IPendingCall? Propose(
        in RequestMessage message, AnswerWriter? direct, KvCommand command, long? timeoutMs)
    {
        if (CommandValidator.Validate(command) is { } invalid)
        {
            return Backend.Refuse(this, in message, direct, Refusal.Of(in invalid));
        }

        if (!Backend.TryGetDeadline(timeoutMs, out long deadlineMs, out Refusal refusal))
        {
            return Backend.Refuse(this, in message, direct, refusal);
        }

        return new WriteCall(this, in message)
        {
            Command = CommandCodec.Encode(command),
            DeadlineMs = deadlineMs,
        };
    }

    /// <summary>The fields that make a retry run once; false when only one of the two is there.</summary>
    protected static bool TryGetIdentity(
        long? clientId, long? sequence, long? acknowledgedBelow, out RequestIdentity? identity, out Refusal refusal)
    {
        refusal = default;
        identity = null;
        if (clientId is long client && sequence is long number)
        {
            identity = new RequestIdentity(client, number, acknowledgedBelow ?? 0);
            return true;
        }

        if (clientId is null && sequence is null)
        {
            return true;
        }

        refusal = Refusal.InvalidArgument(
            $"{(clientId is null ? "client_id" : "sequence")} is missing: client_id and sequence go together");
        return false;
    }
}
