namespace KvCloud.Client.Calls;

internal static class ClientTime
{
    /// <summary>Milliseconds of the clock that only goes forward, as all deadlines of the client are counted.</summary>
    public static long TickMs(this TimeProvider time) => (long)time.GetElapsedTime(0).TotalMilliseconds;
}
