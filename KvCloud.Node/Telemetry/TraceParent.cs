using System.Diagnostics;
using System.Text;

namespace KvCloud.Node.Telemetry;

/// <summary>
/// A trace context as text, as clients send it (W3C Trace Context, header <c>traceparent</c>, version 00), and as
/// <see cref="SizeBytes"/> bytes, as replicas send it: trace id (16), span id (8), flags (1).
/// </summary>
internal static class TraceParent
{
    /// <summary>Size of the binary form.</summary>
    public const int SizeBytes = TraceIdBytes + SpanIdBytes + 1;

    /// <summary>Length of the text form: <c>00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01</c>.</summary>
    public const int TextLength = 55;

    private const int TraceIdBytes = 16;
    private const int SpanIdBytes = 8;

    /// <summary>False for any other text; never throws.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out ActivityContext context)
    {
        context = default;
        return text.Length == TextLength
            && text.StartsWith("00-"u8)
            && ActivityContext.TryParse(Encoding.ASCII.GetString(text), traceState: null, isRemote: true, out context);
    }

    public static void Write(in ActivityContext context, Span<byte> bytes)
    {
        if (!IsValid(in context))
        {
            bytes[..SizeBytes].Clear();
            return;
        }

        // The ids fill exactly the span they get.
        context.TraceId.CopyTo(bytes[..TraceIdBytes]);
        context.SpanId.CopyTo(bytes.Slice(TraceIdBytes, SpanIdBytes));
        bytes[SizeBytes - 1] = (byte)context.TraceFlags;
    }

    /// <summary>Accepts any bytes; an id of all zeros gives the default context, which is not valid.</summary>
    public static ActivityContext Read(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> traceId = bytes[..TraceIdBytes];
        ReadOnlySpan<byte> spanId = bytes.Slice(TraceIdBytes, SpanIdBytes);
        return traceId.ContainsAnyExcept((byte)0) && spanId.ContainsAnyExcept((byte)0)
            ? new ActivityContext(
                ActivityTraceId.CreateFromBytes(traceId),
                ActivitySpanId.CreateFromBytes(spanId),
                (ActivityTraceFlags)bytes[SizeBytes - 1],
                traceState: null,
                isRemote: true)
            : default;
    }

    public static bool IsValid(in ActivityContext context) =>
        context.TraceId != default && context.SpanId != default;
}
