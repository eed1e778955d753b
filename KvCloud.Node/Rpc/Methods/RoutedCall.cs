using KvCloud.Node.Routing;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// A read that waits for routing to admit it, if necessary, and reads this replica's store when its answer is written.
/// </summary>
/// <typeparam name="TAdmission">Routing's answer.</typeparam>
internal abstract class RoutedCall<TAdmission>(RpcMethod method, KvBackend backend, in RequestMessage message)
    : PendingCall(method, in message)
{
    private TAdmission _known = default!;

    /// <summary>Null once the admission is known.</summary>
    private Task<TAdmission>? _pending;

    protected KvBackend Backend => backend;

    protected sealed override bool CanAnswerNow => _pending is null;

    /// <summary>Must be called first, and again when the object is reused for another call.</summary>
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

    /// <summary>Whether the call, now ready, may read the store. A failure is logged and answered.</summary>
    protected bool TryGetAdmission(out TAdmission admission, out Refusal refusal)
    {
        admission = _known;
        refusal = default;
        try
        {
            admission = _pending is null ? _known : _pending.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            refusal = new Refusal(ErrorCode.SHUTTING_DOWN, "the node is stopping");
            return false;
        }
        catch (Exception exception)
        {
            refusal = backend.Failed(Method, exception);
            return false;
        }

        if (TryRefuse(in admission, out refusal))
        {
            return false;
        }

        if (CheckAgain() is { } denied)
        {
            refusal = IsFinal(in denied)
                ? denied
                : Refusal.OfUnconfirmed(ErrorCode.TIMEOUT, "rights changed while the call waited", denied.Denial);
            backend.Access.Note(in refusal);
            return false;
        }

        return true;
    }

    /// <summary>
    /// Whether the caller may still read: what was applied since the call came may have taken the right away. Asked
    /// also where the admission came at once, since it may have come by a round of messages.
    /// </summary>
    protected virtual Refusal? CheckAgain() => null;

    /// <summary>
    /// Whether this replica has applied all that was chosen when the call came. An admission that waited, waited for
    /// that; one that came at once, of a local read, says nothing of it, and the call holds up those behind it.
    /// </summary>
    private bool IsFinal(in Refusal denied) =>
        _pending is not null || IsConfirmed || denied.Denial is not { IsByCatalog: true };

    /// <summary>Whether routing refused the read, and why.</summary>
    protected abstract bool TryRefuse(in TAdmission admission, out Refusal refusal);
}

/// <summary>A read for which routing answers only admitted or refused.</summary>
internal abstract class RoutedCall(RpcMethod method, KvBackend backend, in RequestMessage message)
    : RoutedCall<ReadAdmission>(method, backend, in message)
{
    protected bool IsAdmitted(out Refusal refusal) => TryGetAdmission(out _, out refusal);

    protected sealed override bool TryRefuse(in ReadAdmission admission, out Refusal refusal) =>
        Refusal.TryOf(in admission, out refusal);
}
