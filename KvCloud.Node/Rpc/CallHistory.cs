using KvCloud.Node.Access;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc;

/// <summary>Remembers of answered calls those that were slow, and samples which keys they named.</summary>
internal sealed class CallHistory(SlowCalls slow, KeyHeat heat)
{
    private readonly long _slowTicks = slow.ThresholdTicks;

    /// <summary>Runs for each call: two comparisons and a decrement, unless the call is slow or sampled.</summary>
    /// <param name="elapsedTicks">From its arrival to its answer.</param>
    /// <param name="caller">Whose connection it came by; null where there is none to tell.</param>
    public void Note(IPendingCall call, ErrorCode code, long elapsedTicks, Caller? caller)
    {
        KvOperation operation = call.Method.Operation;
        if (!operation.TouchesData)
        {
            return;
        }

        // What backups read waits for more to come, by design.
        if (elapsedTicks >= _slowTicks && operation.Needs != AccessNeed.Admin)
        {
            AddSlow(call, code, elapsedTicks, caller);
        }

        if (KeyHeat.IsDue() && code == ErrorCode.OK)
        {
            heat.Add(call.Keys, operation.Kind == OperationKind.Write);
        }
    }

    private void AddSlow(IPendingCall call, ErrorCode code, long elapsedTicks, Caller? caller)
    {
        CallKey[] keys = [.. call.Keys];
        slow.Add(new SlowCall(
            call.Method.Name,
            code.ToString(),
            TimeSpan.FromSeconds(elapsedTicks / (double)System.Diagnostics.Stopwatch.Frequency),
            caller?.Remote ?? "")
        {
            User = caller is { Principal: { IsAnonymous: false } principal } ? principal.Name : null,
            Keys = keys.Length,
            ColumnFamily = keys.Length == 0 ? null : keys[0].ColumnFamily,
            FirstKey = keys.Length == 0
                ? null
                : keys[0].Key[..Math.Min(keys[0].Key.Length, SlowCalls.MaxKeyBytes)].ToArray(),
            TraceId = call.Span?.TraceId.ToHexString(),
        });
    }
}
