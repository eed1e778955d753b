using System.Diagnostics;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that this node answers from what it knows, at once.</summary>
internal abstract class NodeMethod<TRequest, TResponse>(string name, KvBackend backend) : RpcMethod(name)
    where TRequest : class, TBase, new()
    where TResponse : TBase
{
    protected KvBackend Backend { get; } = backend;

    public sealed override IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        if (IsCostly)
        {
            return new CostlyNodeCall(this, in message, request);
        }

        if (direct is null)
        {
            return new NodeCall(this, in message, request);
        }

        ErrorCode code = WriteAnswer(direct, message.SequenceId, request);
        Backend.Statistics.Record(this, code, message.ReceivedTimestamp);
        return null;
    }

    public sealed override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, Refuse(in refusal));

    /// <summary>Whether the answer visits many keys, and is made in the <see cref="ScanPool"/>.</summary>
    protected virtual bool IsCostly => false;

    protected abstract (TResponse Response, ErrorCode Code) Answer(TRequest request);

    protected abstract TResponse Refuse(in Refusal refusal);

    private ErrorCode WriteAnswer(AnswerWriter output, int sequenceId, TRequest request)
    {
        TResponse response;
        ErrorCode code;
        try
        {
            (response, code) = Answer(request);
        }
        catch (Exception exception)
        {
            (response, code) = (Refuse(Backend.Failed(this, exception)), ErrorCode.INTERNAL);
        }

        ThriftCodec.Current.WriteReply(output, NameUtf8, sequenceId, response);
        return code;
    }

    private sealed class NodeCall(NodeMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request)
        : PendingCall(method, in message)
    {
        protected override ErrorCode WriteAnswer(AnswerWriter output) =>
            method.WriteAnswer(output, SequenceId, request);

        protected override void Begin() => MarkReady();
    }

    private sealed class CostlyNodeCall(
        NodeMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request) : ICostlyCall
    {
        private readonly int _sequenceId = message.SequenceId;
        private CallTicket _ticket;

        public RpcMethod Method => method;

        public long ReceivedTimestamp { get; } = message.ReceivedTimestamp;

        public int ChargedBytes { get; set; }

        public Activity? Span { get; set; }

        public bool IsReady => _ticket.IsReady;

        public void Start(CallQueue queue, long index)
        {
            _ticket.Take(queue, index);
            _ticket.MarkReady();
        }

        public bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = default;
            return false;
        }

        public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code)
        {
            code = default;
            if (slice.IsUnwanted)
            {
                return ScanProgress.Unwanted;
            }

            code = method.WriteAnswer(output, _sequenceId, request);
            return ScanProgress.Answered;
        }

        public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit)
        {
            method.WriteRefusal(output, _sequenceId, new Refusal(ErrorCode.OVERLOADED, fullLimit));
            return ErrorCode.OVERLOADED;
        }

        public void Drop()
        {
            // Nothing is held.
        }
    }
}
