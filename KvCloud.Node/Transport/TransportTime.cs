namespace KvCloud.Node.Transport;

internal static class TransportTime
{
    /// <summary>Milliseconds of the monotonic clock that all deadlines of the transport use.</summary>
    public static long NowMs(this TimeProvider time) => (long)time.GetElapsedTime(0).TotalMilliseconds;
}
