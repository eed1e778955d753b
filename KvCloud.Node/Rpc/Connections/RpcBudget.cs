using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc.Flows;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>The node's shared budget of calls in flight and their bytes. Thread-safe.</summary>
internal sealed class RpcBudget(RpcLimits limits)
{
    private long _calls;
    private long _bytes;
    private long _answerBytes;

    /// <summary>Calls in flight.</summary>
    public long Calls => Interlocked.Read(ref _calls);

    /// <summary>Request bytes held by calls in flight and by large messages still being received.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes of costly answers that are being read or that their clients have not taken yet.</summary>
    public long AnswerBytes => Interlocked.Read(ref _answerBytes);

    /// <summary>
    /// Whether a call of this caller with so many request bytes fits; if not, names the full limit for the error
    /// message.
    /// </summary>
    public bool HasRoomFor(RpcFlow flow, long bytes, out string? fullLimit)
    {
        fullLimit = null;
        long calls = Volatile.Read(ref _calls);
        if (calls >= limits.MaxInFlightCallsPerNode)
        {
            fullLimit = $"this node has {limits.MaxInFlightCallsPerNode} calls in flight (max_in_flight_calls)";
        }
        else if (limits.MaxInFlightCallsPerCaller > 0 && flow.Calls >= limits.MaxInFlightCallsPerCaller)
        {
            fullLimit = $"max_in_flight_calls_per_caller: {flow.Name} has {limits.MaxInFlightCallsPerCaller} calls"
                + " in flight";
        }
        else if (FairShare.IsUsedUp(flow.Calls, calls, limits.MaxInFlightCallsPerNode))
        {
            fullLimit = "max_in_flight_calls: " + FairShare.Describe(flow.Name, flow.Calls, "calls in flight");
        }

        return fullLimit is null && HasRoomForBytes(flow, bytes, out fullLimit);
    }

    /// <summary>Charges a call that starts. The caller has checked <see cref="HasRoomFor"/>.</summary>
    public void Charge(RpcFlow flow, long bytes)
    {
        Interlocked.Increment(ref _calls);
        Interlocked.Add(ref _bytes, bytes);
        flow.Charge(1, bytes);
    }

    public void Release(RpcFlow flow, long calls, long bytes)
    {
        Interlocked.Add(ref _calls, -calls);
        Interlocked.Add(ref _bytes, -bytes);
        flow.Charge(-calls, -bytes);
    }

    /// <summary>
    /// Charges bytes of a message that is still being received. If there is no room, names the full limit.
    /// </summary>
    public bool TryReserve(RpcFlow flow, long bytes, out string? fullLimit)
    {
        if (!HasRoomForBytes(flow, bytes, out fullLimit))
        {
            return false;
        }

        Interlocked.Add(ref _bytes, bytes);
        flow.Charge(0, bytes);
        return true;
    }

    public void ReleaseReserved(RpcFlow flow, long bytes) => Release(flow, 0, bytes);

    /// <summary>
    /// Charges bytes of a costly answer. If there is no room, names the full limit for the error message.
    /// </summary>
    public bool TryHoldAnswer(RpcFlow flow, long bytes, out string? fullLimit)
    {
        fullLimit = null;
        long used = Interlocked.Add(ref _answerBytes, bytes) - bytes;
        if (used + bytes > limits.MaxScanAnswerBytes)
        {
            fullLimit = $"this node holds {limits.MaxScanAnswerBytes} bytes of range answers that clients have not"
                + " taken (max_scan_answer_bytes)";
        }
        else if (FairShare.IsUsedUp(flow.AnswerBytes, used, limits.MaxScanAnswerBytes))
        {
            fullLimit = "max_scan_answer_bytes: "
                + FairShare.Describe(flow.Name, flow.AnswerBytes, "bytes of range answers not taken");
        }

        if (fullLimit is not null)
        {
            Interlocked.Add(ref _answerBytes, -bytes);
            return false;
        }

        flow.ChargeAnswer(bytes);
        return true;
    }

    public void ReleaseAnswer(RpcFlow flow, long bytes)
    {
        Interlocked.Add(ref _answerBytes, -bytes);
        flow.ChargeAnswer(-bytes);
    }

    private bool HasRoomForBytes(RpcFlow flow, long bytes, out string? fullLimit)
    {
        fullLimit = null;
        long used = Volatile.Read(ref _bytes);
        if (used + bytes > limits.MaxInFlightBytesPerNode)
        {
            fullLimit = $"this node holds {limits.MaxInFlightBytesPerNode} bytes of requests in flight"
                + " (max_in_flight_bytes)";
        }
        else if (limits.MaxInFlightBytesPerCaller > 0 && flow.Bytes + bytes > limits.MaxInFlightBytesPerCaller)
        {
            fullLimit = $"max_in_flight_bytes_per_caller: {flow.Name} holds {flow.Bytes} bytes of requests in"
                + $" flight, and may hold {limits.MaxInFlightBytesPerCaller}";
        }
        else if (FairShare.IsUsedUp(flow.Bytes, used, limits.MaxInFlightBytesPerNode))
        {
            fullLimit = "max_in_flight_bytes: "
                + FairShare.Describe(flow.Name, flow.Bytes, "bytes of requests in flight");
        }

        return fullLimit is null;
    }
}
