using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A write whose request and answer go through the generated code.</summary>
internal abstract class ThriftWriteMethod<TRequest, TResponse>(string name, KvBackend backend)
    : WriteMethod(name, backend)
    where TRequest : class, TBase, ITimedRequest, new()
    where TResponse : class, TBase, new()
{
    public sealed override bool TakesToken => typeof(IAdminRequest).IsAssignableFrom(typeof(TRequest));

    public sealed override long? TimeoutOf(in RequestMessage message) =>
        ThriftCodec.Current.ReadRequest<TRequest>(in message).GivenTimeoutMs;

    public sealed override IPendingCall Dispatch(in RequestMessage message)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        var identified = request as IIdentifiedRequest;
        Refusal? invalid = Backend.CheckToken(Operation, in message, request, out Principal principal)
            ?? RequestRules.CheckIdentity(identified?.GivenClientId, identified?.GivenSequence);
        if (invalid is { } refused)
        {
            return Refuse(in message, refused);
        }

        RequestIdentity? identity = IdentityOf(
            identified?.GivenClientId, identified?.GivenSequence, identified?.GivenAcknowledgedBelow);
        if (!TryBuild(request, identity, out KvCommand command, out Refusal refusal))
        {
            return Refuse(in message, in refusal);
        }

        return Admit(message.Caller, principal, ref command) is { } denied
            ? Refuse(in message, in denied)
            : CallFor(in message, request, command, principal);
    }

    public sealed override void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Answer(in result));

    protected sealed override TBase NewAnswer() => new TResponse();

    /// <param name="principal">Whose call it is; the command says so already, where that matters.</param>
    protected virtual IPendingCall CallFor(
        in RequestMessage message, TRequest request, KvCommand command, Principal principal) =>
        NewCall(in message, command, request.GivenTimeoutMs);

    /// <summary>Builds the command for the request; false, with the error, if the request is invalid.</summary>
    protected abstract bool TryBuild(
        TRequest request, RequestIdentity? identity, out KvCommand command, out Refusal refusal);

    protected abstract TResponse Answer(in CommandResult result);
}
