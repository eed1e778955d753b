namespace KvCloud.Client.Calls;

internal static class ClientTime
{
    /// <summary>Milliseconds of the monotonic clock that all deadlines of the client use.</summary>
    public static long TickMs(this TimeProvider time) => (long)time.GetElapsedTime(0).TotalMilliseconds;
}
