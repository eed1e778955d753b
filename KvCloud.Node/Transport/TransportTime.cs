namespace KvCloud.Node.Transport;

internal static class TransportTime
{
    private const long MsPerSecond = 1000;

    /// <summary>
    /// Milliseconds of the monotonic clock that all deadlines of the transport use. In whole numbers: a double has no
    /// room for the timestamps of a clock that counts from long ago, and a deadline would be met a millisecond late.
    /// </summary>
    public static long NowMs(this TimeProvider time) => time.GetTimestamp() / (time.TimestampFrequency / MsPerSecond);
}
