using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>getReadVersion: routing knows the answer, so the store is not read.</summary>
internal sealed class GetReadVersionMethod(KvBackend backend)
    : AnsweringMethod<GetReadVersionResponse>("getReadVersion", OperationKind.Read, backend)
{
    public override IPendingCall Dispatch(in RequestMessage message)
    {
        ThriftCodec.Current.ReadRequest<GetReadVersionRequest>(in message);
        return new VersionCall(
            this,
            in message,
            Backend.Routing.GetReadVersionAsync(
                Backend.DeadlineAfter(timeoutMs: null, in message), CancellationToken.None));
    }

    private sealed class VersionCall : RoutedCall<(ReadAdmission Admission, CommitVersion Version)>
    {
        private readonly GetReadVersionMethod _method;

        public VersionCall(
            GetReadVersionMethod method,
            in RequestMessage message,
            ValueTask<(ReadAdmission Admission, CommitVersion Version)> answer)
            : base(method, method.Backend, in message)
        {
            _method = method;
            SetAdmission(answer);
        }

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            bool isKnown = TryGetAdmission(
                out (ReadAdmission Admission, CommitVersion Version) answer, out Refusal refusal);
            code = isKnown
                ? _method.Write(output, SequenceId, new GetReadVersionResponse(answer.Version.Value, true))
                : _method.WriteRefused(output, SequenceId, in refusal);
            return true;
        }

        protected override bool TryRefuse(
            in (ReadAdmission Admission, CommitVersion Version) admission, out Refusal refusal) =>
            Refusal.TryOf(in admission.Admission, out refusal);
    }
}
