using System.Diagnostics;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc;

/// <summary>
/// The server span of a client's call. A call that carries a trace context gets a span if its caller's trace is
/// sampled; a call without one starts a new trace, at most <see cref="RpcOptions.MaxRootTracesPerSecond"/> times a
/// second. The SDK's sampler (OTEL_TRACES_SAMPLER) makes the final decision for both.
/// </summary>
internal sealed class CallTracing(int maxRootTracesPerSecond, Func<int> nodeId, TimeProvider time)
{
    /// <summary>Field 110 of every request of the contract: traceparent.</summary>
    private const short TraceParentField = 110;

    private readonly RootTraceLimiter _roots = new(maxRootTracesPerSecond, time);

    /// <summary>Starts the span; null if the call is not traced. Returns early when no listener wants spans.</summary>
    public Activity? Start(RpcMethod method, in RequestMessage message)
    {
        if (!NodeTracing.IsOn)
        {
            return null;
        }

        // Monitoring polls the calls that the node answers itself, so they never start a trace.
        if (!TryReadContext(in message, out ActivityContext caller)
            && (!method.Operation.TouchesData || !_roots.TryTake()))
        {
            return null;
        }

        DateTimeOffset received = DateTimeOffset.UtcNow - Stopwatch.GetElapsedTime(message.ReceivedTimestamp);
        Activity? span = NodeTracing.Start(method.SpanName, ActivityKind.Server, caller, startTime: received);
        span?.SetTag(SpanNames.Attributes.RpcSystem, "apache_thrift");
        span?.SetTag(SpanNames.Attributes.RpcService, "TransactionalKV");
        span?.SetTag(SpanNames.Attributes.RpcMethod, method.Name);
        span?.SetTag(SpanNames.Attributes.DatabaseSystem, "kvcloud");
        span?.SetTag(SpanNames.Attributes.Node, nodeId());
        return span;
    }

    /// <summary>Finds the traceparent field anywhere in the request; a malformed one counts as absent.</summary>
    internal static bool TryReadContext(in RequestMessage message, out ActivityContext context)
    {
        context = default;
        var reader = new ThriftReader(message.Bytes.Span, message.ArgumentsStart);
        return TryFind(ref reader, 1, ThriftType.Struct)
            && TryFind(ref reader, TraceParentField, ThriftType.String)
            && TraceParent.TryParse(reader.Binary(), out context);
    }

    /// <summary>Advances to the value of a field of the current struct; false if the struct ends without it.</summary>
    private static bool TryFind(ref ThriftReader reader, short wantedId, ThriftType wantedType)
    {
        while (reader.NextField(out ThriftType type, out short id))
        {
            if (id == wantedId && type == wantedType)
            {
                return true;
            }

            reader.Skip(type);
        }

        return false;
    }
}
