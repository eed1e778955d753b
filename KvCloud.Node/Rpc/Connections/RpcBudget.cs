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
    /// Whether a call with this many request bytes fits; if not, names the full limit for the error message.
    /// </summary>
    public bool HasRoomFor(long bytes, out string? fullLimit)
    {
        fullLimit = null;
        if (Volatile.Read(ref _calls) >= limits.MaxInFlightCallsPerNode)
        {
            fullLimit = $"this node has {limits.MaxInFlightCallsPerNode} calls in flight (max_in_flight_calls)";
        }
        else if (Volatile.Read(ref _bytes) + bytes > limits.MaxInFlightBytesPerNode)
        {
            fullLimit = $"this node holds {limits.MaxInFlightBytesPerNode} bytes of requests in flight"
                + " (max_in_flight_bytes)";
        }

        return fullLimit is null;
    }

    /// <summary>Charges a call that starts. The caller has checked <see cref="HasRoomFor"/>.</summary>
    public void Charge(long bytes)
    {
        Interlocked.Increment(ref _calls);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void Release(long calls, long bytes)
    {
        Interlocked.Add(ref _calls, -calls);
        Interlocked.Add(ref _bytes, -bytes);
    }

    /// <summary>Charges bytes of a message that is still being received.</summary>
    public bool TryReserve(long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= limits.MaxInFlightBytesPerNode)
        {
            return true;
        }

        Interlocked.Add(ref _bytes, -bytes);
        return false;
    }

    public void ReleaseReserved(long bytes) => Interlocked.Add(ref _bytes, -bytes);

    /// <summary>
    /// Charges bytes of a costly answer. If there is no room, names the full limit for the error message.
    /// </summary>
    public bool TryHoldAnswer(long bytes, out string? fullLimit)
    {
        fullLimit = null;
        if (Interlocked.Add(ref _answerBytes, bytes) <= limits.MaxScanAnswerBytes)
        {
            return true;
        }

        Interlocked.Add(ref _answerBytes, -bytes);
        fullLimit = $"this node holds {limits.MaxScanAnswerBytes} bytes of range answers that clients have not taken"
            + " (max_scan_answer_bytes)";
        return false;
    }

    public void ReleaseAnswer(long bytes) => Interlocked.Add(ref _answerBytes, -bytes);
}
