namespace KvCloud.Node.Transport;

internal static class TransportTime
{
    /// <summary>
    /// Milliseconds of the clock that only goes forward, as all deadlines of the transport are counted.
    /// </summary>
    public static long NowMs(this TimeProvider time) => (long)time.GetElapsedTime(0).TotalMilliseconds;
}
