using System.Diagnostics;
using System.Text;
using KvCloud.Client.Wire;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Calls;

/// <summary>
/// The arguments of a call. Implemented by structs, so that each is encoded by its own code without boxing.
/// </summary>
internal interface IRequest
{
    static abstract KvMethod Method { get; }

    /// <summary>Writes the fields of the request.</summary>
    void Write(FrameWriter writer, in AttemptFields attempt);
}

/// <summary>What differs from one attempt of a call to the next.</summary>
/// <param name="TimeoutMs">The time left for the server.</param>
/// <param name="Identity">Makes a retry run once; default if there is none.</param>
/// <param name="Trace">The parent of the server's span; null if the call is not traced.</param>
internal readonly record struct AttemptFields(int TimeoutMs, WriteIdentity Identity, Activity? Trace = null)
{
    /// <summary>
    /// Field of every request in the contract: the trace context in the format of the W3C header `traceparent`.
    /// </summary>
    public const short TraceParentField = 110;

    /// <summary>Writes the fields 100 to 103, which every write of the contract has.</summary>
    public void WriteTo(FrameWriter writer)
    {
        if (Identity.Session is { } session)
        {
            writer.I64(100, session.ClientId);
            writer.I64(101, Identity.Sequence);
            writer.I64(102, session.AcknowledgedBelow);
        }

        writer.I32(103, TimeoutMs);
    }

    /// <summary>Writes `00-{trace id}-{span id}-{flags}`, unless the activity uses another id format.</summary>
    public static void WriteTraceParent(FrameWriter writer, Activity activity)
    {
        const int Length = 55;
        if (activity.IdFormat != ActivityIdFormat.W3C)
        {
            return;
        }

        Span<byte> span = writer.BeginBinary(TraceParentField, Length);
        "00-"u8.CopyTo(span);
        Encoding.ASCII.GetBytes(activity.TraceId.ToHexString(), span[3..]);
        span[35] = (byte)'-';
        Encoding.ASCII.GetBytes(activity.SpanId.ToHexString(), span[36..]);
        (activity.Recorded ? "-01"u8 : "-00"u8).CopyTo(span[52..]);
    }
}
