using KvCloud.Node.Access;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A read: validates the request, then asks routing for admission according to the operation's class.
/// </summary>
internal abstract class ReadMethod<TRequest, TResponse>(string name, KvBackend backend)
    : AnsweringMethod<TResponse>(name, OperationKind.Read, backend, IsAtVersion)
    where TRequest : class, TBase, new()
    where TResponse : class, TBase, new()
{
    private static bool IsAtVersion => typeof(ISnapshotRequest).IsAssignableFrom(typeof(TRequest));

    public sealed override bool TakesToken => typeof(IAdminRequest).IsAssignableFrom(typeof(TRequest));

    public sealed override long? TimeoutOf(in RequestMessage message) =>
        RequestParameters.Of(ThriftCodec.Current.ReadRequest<TRequest>(in message)).TimeoutMs;

    public sealed override IPendingCall Dispatch(in RequestMessage message)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        var parameters = RequestParameters.Of(request);
        if ((Backend.CheckToken(Operation, in message, request, out _)
            ?? CheckAccess(request, message.Caller)
            ?? RequestRules.Check(in parameters)) is { } refused)
        {
            return Refuse(in message, in refused);
        }

        long deadlineMs = Backend.DeadlineAfter(parameters.TimeoutMs, in message);
        return CallFor(in message, request, Backend.AdmitAsync(Operation, in parameters, deadlineMs), deadlineMs);
    }

    /// <summary>Why the caller may not read what the request names; null if it may. Asked again after a wait.</summary>
    protected abstract Refusal? CheckAccess(TRequest request, Caller? caller);

    protected abstract IPendingCall CallFor(
        in RequestMessage message, TRequest request, ValueTask<ReadAdmission> admission, long deadlineMs);
}

/// <summary>A read that needs one lookup in the store.</summary>
internal abstract class LookupMethod<TRequest, TResponse>(string name, KvBackend backend)
    : ReadMethod<TRequest, TResponse>(name, backend)
    where TRequest : class, TBase, new()
    where TResponse : class, TBase, new()
{
    protected sealed override IPendingCall CallFor(
        in RequestMessage message, TRequest request, ValueTask<ReadAdmission> admission, long deadlineMs) =>
        new LookupCall(this, in message, request, admission);

    /// <summary>Reads the store.</summary>
    protected abstract TResponse Read(TRequest request);

    /// <summary>The keys that the request names.</summary>
    protected virtual IEnumerable<CallKey> KeysOf(TRequest request) => [];

    private sealed class LookupCall : RoutedCall
    {
        private readonly LookupMethod<TRequest, TResponse> _method;
        private readonly TRequest _request;
        private readonly Caller? _caller;

        public LookupCall(
            LookupMethod<TRequest, TResponse> method,
            in RequestMessage message,
            TRequest request,
            ValueTask<ReadAdmission> admission)
            : base(method, method.Backend, in message)
        {
            _method = method;
            _request = request;
            _caller = message.Caller;
            SetAdmission(admission);
        }

        public override IEnumerable<CallKey> Keys => _method.KeysOf(_request);

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = IsAdmitted(out Refusal refusal)
                ? WriteRead(output)
                : _method.WriteRefused(output, SequenceId, in refusal);
            return true;
        }

        protected override Refusal? CheckAgain() => _method.CheckAccess(_request, _caller);

        private ErrorCode WriteRead(AnswerWriter output)
        {
            TResponse response;
            try
            {
                response = _method.Read(_request);
            }
            catch (Exception exception)
            {
                return _method.WriteRefused(output, SequenceId, Backend.Failed(Method, exception));
            }

            return _method.Write(output, SequenceId, response);
        }
    }
}
