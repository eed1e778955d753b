namespace KvCloud.Client.Calls;

internal static class ClientTime
{
    private const long MsPerSecond = 1000;

    /// <summary>
    /// Milliseconds of the monotonic clock that all deadlines of the client use. In whole numbers: a double has no
    /// room for the timestamps of a clock that counts from long ago, and a deadline would be met a millisecond late.
    /// </summary>
    public static long TickMs(this TimeProvider time) => time.GetTimestamp() / (time.TimestampFrequency / MsPerSecond);
}
