using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A read: routing admits it, at once or later, and then it looks into this replica's store when its answer is written.
/// </summary>
/// <typeparam name="TAdmission">What routing says.</typeparam>
internal abstract class RoutedCall<TAdmission>(RpcMethod method, KvBackend backend, in RequestMessage message)
    : PendingCall(method, in message)
{
    private TAdmission _known = default!;

    /// <summary>Null where the admission is known.</summary>
    private Task<TAdmission>? _pending;

    protected KvBackend Backend => backend;

    protected sealed override bool CanAnswerNow => _pending is null;

    /// <summary>Must come before anything else; again where the object becomes another call.</summary>
    protected void SetAdmission(ValueTask<TAdmission> admission)
    {
        if (admission.IsCompletedSuccessfully)
        {
            _known = admission.GetAwaiter().GetResult();
        }
        else
        {
            _pending = admission.AsTask();
        }
    }

    protected override void Begin()
    {
        if (_pending is null || _pending.IsCompleted)
        {
            MarkReady();
        }
        else
        {
            _pending.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() => MarkReady());
        }
    }

    /// <summary>
    /// Whether the call may look into the store, now that it is ready; a failure is logged and answered.
    /// </summary>
    protected bool TryGetAdmission(out TAdmission admission, out Refusal refusal)
    {
        admission = _known;
        refusal = default;
        if (_pending is null)
        {
            return !TryRefuse(in admission, out refusal);
        }

        try
        {
            admission = _pending.GetAwaiter().GetResult();
            return !TryRefuse(in admission, out refusal);
        }
        catch (OperationCanceledException)
        {
            refusal = new Refusal(ErrorCode.SHUTTING_DOWN, "the node is stopping");
        }
        catch (Exception exception)
        {
            refusal = backend.Failed(Method, exception);
        }

        return false;
    }

    /// <summary>Whether routing said no, and why.</summary>
    protected abstract bool TryRefuse(in TAdmission admission, out Refusal refusal);
}

/// <summary>A read that is admitted or not, and that is all that routing says.</summary>
internal abstract class RoutedCall(RpcMethod method, KvBackend backend, in RequestMessage message)
    : RoutedCall<ReadAdmission>(method, backend, in message)
{
    protected bool IsAdmitted(out Refusal refusal) => TryGetAdmission(out _, out refusal);

    protected sealed override bool TryRefuse(in ReadAdmission admission, out Refusal refusal) =>
        Refusal.TryOf(in admission, out refusal);
}
