using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>getReadVersion: routing itself knows the answer, the store need not be asked.</summary>
internal sealed class GetReadVersionMethod(KvBackend backend) : RpcMethod("getReadVersion")
{
    public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        ThriftCodec.Current.ReadRequest<GetReadVersionRequest>(in message);
        backend.TryGetDeadline(null, out long deadlineMs, out _);
        ValueTask<(ReadAdmission Admission, CommitVersion Version)> answer = backend.Routing.GetReadVersionAsync(deadlineMs, CancellationToken.None);
        if (answer.IsCompletedSuccessfully && direct is not null)
        {
            (ReadAdmission admission, CommitVersion version) = answer.GetAwaiter().GetResult();
            ErrorCode code = WriteAnswer(direct, message.SequenceId, in admission, version);
            backend.Statistics.Record(this, code, message.ReceivedTimestamp);
            return null;
        }

        return new VersionCall(this, backend, in message, answer.AsTask());
    }

    public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
    {
        var response = new GetReadVersionResponse(0, false) { Error = refusal.Message, Code = refusal.Code };
        if (refusal.LeaderEndpoint is { } leader)
        {
            response.LeaderEndpoint = leader;
        }

        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
    }

    private ErrorCode WriteAnswer(AnswerWriter output, int sequenceId, in ReadAdmission admission, CommitVersion version)
    {
        if (admission.Code == KvStatus.Ok)
        {
            ThriftCodec.Current.WriteReply(
                output, NameUtf8, sequenceId, new GetReadVersionResponse(version.Value, true));
        }
        else
        {
            WriteRefusal(output, sequenceId, Refusal.Of(in admission));
        }

        return admission.Code.ToErrorCode();
    }

    private sealed class VersionCall(
        GetReadVersionMethod method,
        KvBackend backend,
        in RequestMessage message,
        Task<(ReadAdmission Admission, CommitVersion Version)> answer)
        : PendingCall(method, in message)
    {
        protected override ErrorCode WriteAnswer(AnswerWriter output)
        {
            if (answer.IsCompletedSuccessfully)
            {
                (ReadAdmission admission, CommitVersion version) = answer.GetAwaiter().GetResult();
                return method.WriteAnswer(output, SequenceId, in admission, version);
            }

            Refusal refusal = answer.Exception is { } exception
                ? backend.Failed(method, exception.GetBaseException())
                : Refusal.Of(ErrorCode.SHUTTING_DOWN, null);
            method.WriteRefusal(output, SequenceId, in refusal);
            return refusal.Code;
        }

        protected override void Begin() => Admissions.OnCompleted(answer, () => MarkReady());
    }
}
