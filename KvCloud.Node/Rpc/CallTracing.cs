using System.Diagnostics;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc;

/// <summary>
/// The server span of a client's call. A call that brings a trace context gets one if its caller's trace is sampled;
/// one without begins a trace, at most <see cref="RpcOptions.MaxRootTracesPerSecond"/> times a second. The SDK's
/// sampler (OTEL_TRACES_SAMPLER) has the last word on both.
/// </summary>
internal sealed class CallTracing(int maxRootTracesPerSecond, Func<int> nodeId, TimeProvider time)
{
    /// <summary>Field 110 of every request of the contract: traceparent.</summary>
    private const short TraceParentField = 110;

    private readonly RootTraceLimiter _roots = new(maxRootTracesPerSecond, time);

    /// <summary>Begins the span; null where the call is not traced, at once where nobody wants spans.</summary>
    public Activity? Start(RpcMethod method, in RequestMessage message)
    {
        if (!NodeTracing.IsOn)
        {
            return null;
        }

        // What the node itself answers is asked by watchers, again and again: no trace begins with it.
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

    /// <summary>The field, wherever in the request it stands; what is no trace context counts as none.</summary>
    internal static bool TryReadContext(in RequestMessage message, out ActivityContext context)
    {
        context = default;
        var reader = new ThriftReader(message.Bytes.Span, message.ArgumentsStart);
        return TryFind(ref reader, 1, ThriftType.Struct)
            && TryFind(ref reader, TraceParentField, ThriftType.String)
            && TraceParent.TryParse(reader.Binary(), out context);
    }

    /// <summary>Goes to the value of a field of the struct at hand; false, at its end, when it is not there.</summary>
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
