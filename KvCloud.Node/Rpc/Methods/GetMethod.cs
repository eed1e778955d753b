using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>get: what <see cref="ReadMethod{TRequest,TResponse}"/> does, without an object for each call.</summary>
internal sealed class GetMethod(KvBackend backend) : RpcMethod("get")
{
    public override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        PointCodec.GetArguments arguments = PointCodec.ReadGet(in message);
        if (CommandValidator.ValidateKey(arguments.Key.Length) is { } invalid)
        {
            return backend.Refuse(this, in message, direct, Refusal.Of(in invalid));
        }

        if (ReadMethods.CheckConsistency(arguments.Consistency, arguments.MaxStalenessMs) is { } wrong)
        {
            return backend.Refuse(this, in message, direct, wrong);
        }

        if (!backend.TryGetDeadline(arguments.TimeoutMs, out long deadlineMs, out Refusal refusal))
        {
            return backend.Refuse(this, in message, direct, refusal);
        }

        ValueTask<ReadAdmission> admission = backend.Routing.AdmitReadAsync(
            arguments.Consistency?.ToRouting(), arguments.MaxStalenessMs, deadlineMs, CancellationToken.None);
        if (admission.IsCompletedSuccessfully && direct is not null)
        {
            ErrorCode code = WriteAnswer(
                direct, message.SequenceId, arguments.ColumnFamily, arguments.Key, admission.GetAwaiter().GetResult());
            backend.Statistics.Record(this, code, message.ReceivedTimestamp);
            return null;
        }

        return new GetCall(this, in message, arguments.ColumnFamily, arguments.Key.ToArray(), admission.AsTask());
    }

    public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal)
    {
        var response = new GetResponse([], false) { Error = refusal.Message, Code = refusal.Code };
        if (refusal.LeaderEndpoint is { } leader)
        {
            response.LeaderEndpoint = leader;
        }

        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
    }

    private ErrorCode WriteAnswer(
        AnswerWriter output, int sequenceId, string? columnFamily, ReadOnlyMemory<byte> key, in ReadAdmission admission)
    {
        if (admission.Code != KvStatus.Ok)
        {
            WriteRefusal(output, sequenceId, Refusal.Of(in admission));
            return admission.Code.ToErrorCode();
        }

        GetResult result;
        try
        {
            result = backend.Reader.Get(columnFamily, key, at: null);
        }
        catch (Exception exception)
        {
            WriteRefusal(output, sequenceId, backend.Failed(this, exception));
            return ErrorCode.INTERNAL;
        }

        if (result.Code == KvStatus.Ok)
        {
            PointCodec.WriteGetAnswer(output, NameUtf8, sequenceId, result.Value, result.Version.Value);
        }
        else
        {
            WriteRefusal(output, sequenceId, Refusal.Of(result.Code, result.Message));
        }

        return result.Code.ToErrorCode();
    }

    private sealed class GetCall(
        GetMethod method, in RequestMessage message, string? columnFamily, byte[] key, Task<ReadAdmission> admission)
        : PendingCall(method, in message)
    {
        protected override ErrorCode WriteAnswer(AnswerWriter output) => method.WriteAnswer(
            output, SequenceId, columnFamily, key, Admissions.ResultOf(method, method.Backend, admission));

        protected override void Begin() => Admissions.OnCompleted(admission, () => MarkReady());
    }

    private KvBackend Backend => backend;
}
