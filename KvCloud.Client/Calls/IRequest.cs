using System.Diagnostics;
using System.Text;
using KvCloud.Client.Wire;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Calls;

/// <summary>A call's arguments. Structs, so that each is encoded by code of its own without boxing.</summary>
internal interface IRequest
{
    static abstract KvMethod Method { get; }

    /// <summary>Writes the fields of the request.</summary>
    void Write(FrameWriter writer, in AttemptFields attempt);
}

/// <summary>What differs from one attempt of a call to the next.</summary>
/// <param name="TimeoutMs">What is left for the server.</param>
/// <param name="Identity">Makes a retry run once; default where there is none.</param>
/// <param name="Trace">The span that the server's goes below; null where nothing is traced.</param>
internal readonly record struct AttemptFields(int TimeoutMs, WriteIdentity Identity, Activity? Trace = null)
{
    /// <summary>Of every request of the contract: the trace context, as the W3C header `traceparent` has it.</summary>
    public const short TraceParentField = 110;

    /// <summary>The fields 100 to 103 that every write of the contract has.</summary>
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

    /// <summary>Writes `00-{trace id}-{span id}-{flags}`, unless the activity has ids of another kind.</summary>
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
