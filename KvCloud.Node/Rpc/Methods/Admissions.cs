using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>How a pending read takes what routing says.</summary>
internal static class Admissions
{
    public static void OnCompleted(Task admission, Action markReady)
    {
        if (admission.IsCompleted)
        {
            markReady();
        }
        else
        {
            admission.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(markReady);
        }
    }

    /// <summary>Of a task that has completed; a failure is logged and answered.</summary>
    public static ReadAdmission ResultOf(RpcMethod method, KvBackend backend, Task<ReadAdmission> admission)
    {
        try
        {
            return admission.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return new ReadAdmission(KvStatus.ShuttingDown, "the node is stopping");
        }
        catch (Exception exception)
        {
            Refusal refusal = backend.Failed(method, exception);
            return new ReadAdmission(KvStatus.Internal, refusal.Message);
        }
    }
}
