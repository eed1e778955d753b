using KvCloud.Node.Access;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// get: like <see cref="LookupMethod{TRequest,TResponse}"/>, but hand-written to allocate no object per call.
/// </summary>
internal sealed class GetMethod(KvBackend backend)
    : AnsweringMethod<GetResponse>("get", OperationKind.Read, backend)
{
    /// <summary>
    /// A call of this thread that was answered immediately and can be reused. Most calls are, so a get usually
    /// allocates nothing.
    /// </summary>
    [ThreadStatic]
    private static GetCall? _spare;

    public override long? TimeoutOf(in RequestMessage message) => PointCodec.ReadGet(in message).TimeoutMs;

    public override IPendingCall Dispatch(in RequestMessage message)
    {
        PointCodec.GetArguments arguments = PointCodec.ReadGet(in message);
        var parameters = new RequestParameters(
            arguments.Key.Length, arguments.Consistency, arguments.MaxStalenessMs, null, arguments.TimeoutMs);
        if ((Backend.Access.CheckRead(message.Caller, arguments.ColumnFamily, arguments.Key.Span)
            ?? RequestRules.Check(in parameters)) is { } refused)
        {
            return Refuse(in message, in refused);
        }

        GetCall? call = _spare;
        _spare = null;
        if (call is null || call.Method != this)
        {
            call = new GetCall(this, in message);
        }

        call.Ask(in message, in arguments, in parameters);
        return call;
    }

    private sealed class GetCall(GetMethod method, in RequestMessage message)
        : RoutedCall(method, method.Backend, in message)
    {
        private string? _columnFamily;
        private Caller? _caller;

        /// <summary>
        /// Points into the request message until the call has to wait. Kept after the answer, for <see cref="Keys"/>.
        /// </summary>
        private ReadOnlyMemory<byte> _key;

        public override IEnumerable<CallKey> Keys => [new CallKey(_columnFamily, _key)];

        public void Ask(
            in RequestMessage message, in PointCodec.GetArguments arguments, in RequestParameters parameters)
        {
            Renew(in message);
            _columnFamily = arguments.ColumnFamily;
            _key = arguments.Key;
            _caller = message.Caller;
            SetAdmission(Backend.AdmitAsync(
                Method.Operation, in parameters, Backend.DeadlineAfter(parameters.TimeoutMs, in message)));
        }

        public override bool TryAnswerNow(AnswerWriter output, out ErrorCode code)
        {
            if (!base.TryAnswerNow(output, out code))
            {
                return false;
            }

            _spare = this;
            return true;
        }

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = IsAdmitted(out Refusal refusal)
                ? WriteRead(output)
                : method.WriteRefused(output, SequenceId, in refusal);
            return true;
        }

        protected override void Begin()
        {
            _key = _key.ToArray();
            base.Begin();
        }

        protected override Refusal? CheckAgain() => Backend.Access.CheckRead(_caller, _columnFamily, _key.Span);

        private ErrorCode WriteRead(AnswerWriter output)
        {
            GetResult result;
            try
            {
                result = Backend.Reader.Get(_columnFamily, _key, at: null);
            }
            catch (Exception exception)
            {
                return method.WriteRefused(output, SequenceId, Backend.Failed(method, exception));
            }

            if (Refusal.TryOf(in result, out Refusal refusal))
            {
                return method.WriteRefused(output, SequenceId, in refusal);
            }

            PointCodec.WriteGetAnswer(output, method.NameUtf8, SequenceId, result.Value, result.Version.Value);
            return ErrorCode.OK;
        }
    }
}
