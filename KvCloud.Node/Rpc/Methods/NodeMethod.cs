using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>A call that this node answers immediately from its own state.</summary>
internal abstract class NodeMethod<TRequest, TResponse>(
    string name, KvBackend backend, OperationKind kind = OperationKind.Node)
    : AnsweringMethod<TResponse>(name, kind, backend)
    where TRequest : class, TBase, new()
    where TResponse : class, TBase, new()
{
    public sealed override bool TakesToken => typeof(IAdminRequest).IsAssignableFrom(typeof(TRequest));

    public sealed override IPendingCall Dispatch(in RequestMessage message)
    {
        TRequest request = ThriftCodec.Current.ReadRequest<TRequest>(in message);
        if (Backend.CheckToken(Operation, in message, request, out _) is { } unauthenticated)
        {
            return Refuse(in message, in unauthenticated);
        }

        if (message.Caller is { } caller)
        {
            Note(caller, request);
        }

        return IsCostly ? new CostlyNodeCall(this, in message, request)
            : new NodeCall(this, in message, request);
    }

    /// <summary>Whether the answer visits many keys and therefore runs in the <see cref="ScanPool"/>.</summary>
    protected virtual bool IsCostly => false;

    /// <summary>For the audit trail.</summary>
    protected virtual void Note(Caller caller, TRequest request)
    {
    }

    protected abstract TResponse Answer(TRequest request);

    private ErrorCode WriteAnswer(AnswerWriter output, int sequenceId, TRequest request)
    {
        TResponse response;
        try
        {
            response = Answer(request);
        }
        catch (Exception exception)
        {
            return WriteRefused(output, sequenceId, Backend.Failed(this, exception));
        }

        return Write(output, sequenceId, response);
    }

    private sealed class NodeCall(NodeMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request)
        : PendingCall(method, in message)
    {
        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = method.WriteAnswer(output, SequenceId, request);
            return true;
        }
    }

    private sealed class CostlyNodeCall(
        NodeMethod<TRequest, TResponse> method, in RequestMessage message, TRequest request)
        : PendingCall(method, in message), ICostlyCall
    {
        public bool IsAdministrative => true;

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            code = default;
            return false;
        }

        public ScanProgress Advance(IScanSlice slice, AnswerWriter output, out ErrorCode code)
        {
            code = default;
            if (slice.IsCancelled)
            {
                return ScanProgress.Cancelled;
            }

            code = method.WriteAnswer(output, SequenceId, request);
            return ScanProgress.Answered;
        }

        public ErrorCode WriteOverloaded(AnswerWriter output, string fullLimit) =>
            method.WriteRefused(output, SequenceId, new Refusal(ErrorCode.OVERLOADED, fullLimit));

        public void Drop()
        {
            // Nothing is held.
        }
    }
}
