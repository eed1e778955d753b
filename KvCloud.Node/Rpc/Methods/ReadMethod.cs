using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A call that reads: it is admitted by routing, at once or later, and then looks into this replica's store when its
/// answer is written.
/// </summary>
internal abstract class ReadMethod<TRequest, TResponse>(string name, KvBackend backend) : RpcMethod(name)
    where TRequest : class, TBase, new()
    where TResponse : TBase
{
    protected KvBackend Backend { get; } = backend;

    public sealed override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        if (Validate(request) is { } invalid)
        {
            return Backend.Refuse(this, in message, direct, invalid);
        }

        if (!Backend.TryGetDeadline(TimeoutMsOf(request), out long deadlineMs, out Refusal refusal))
        {
            return Backend.Refuse(this, in message, direct, refusal);
        }

        ValueTask<ReadAdmission> admission = AdmitAsync(request, deadlineMs);
        if (admission.IsCompletedSuccessfully && direct is not null)
        {
            ErrorCode code = WriteAnswer(direct, message.SequenceId, request, admission.GetAwaiter().GetResult());
            Backend.Statistics.Record(this, code, message.ReceivedTimestamp);
            return null;
        }

        return new ReadCall(this, in message, request, admission.AsTask());
    }

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refuse(in refusal));

    protected abstract int? TimeoutMsOf(TRequest request);

    /// <summary>What is wrong with the request; null when nothing is.</summary>
    protected abstract Refusal? Validate(TRequest request);

    protected abstract ValueTask<ReadAdmission> AdmitAsync(TRequest request, long deadlineMs);

    /// <summary>Looks into the store.</summary>
    protected abstract (TResponse Response, ErrorCode Code) Read(TRequest request);

    protected abstract TResponse Refuse(in Refusal refusal);

    private ErrorCode WriteAnswer(AnswerWriter output, int sequenceId, TRequest request, in ReadAdmission admission)
    {
        TResponse response;
        ErrorCode code;
        if (admission.Code != KvStatus.Ok)
        {
            (response, code) = (Refuse(Refusal.Of(in admission)), admission.Code.ToErrorCode());
        }
        else
        {
            try
            {
                (response, code) = Read(request);
            }
            catch (Exception exception)
            {
                (response, code) = (Refuse(Backend.Failed(this, exception)), ErrorCode.INTERNAL);
            }
        }

        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
        return code;
    }

    private sealed class ReadCall(
        ReadMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request, Task<ReadAdmission> admission)
        : PendingCall(method, in message)
    {
        protected override ErrorCode WriteAnswer(AnswerWriter output) =>
            method.WriteAnswer(output, SequenceId, request, Admissions.ResultOf(method, method.Backend, admission));

        protected override void Begin() => Admissions.OnCompleted(admission, () => MarkReady());
    }
}
