namespace KvCloud.LocalCluster;

/// <summary>
/// How long to wait before a crashed replica is started again: one second, then twice as long each time, up to half a
/// minute; from one second again after it has run for a minute.
/// </summary>
internal sealed class RestartDelay
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan Stable = TimeSpan.FromMinutes(1);

    private TimeSpan _next = First;

    /// <param name="uptime">How long the replica ran before it ended.</param>
    public TimeSpan After(TimeSpan uptime)
    {
        if (uptime >= Stable)
        {
            _next = First;
        }

        TimeSpan delay = _next;
        _next = delay * 2 < Longest ? delay * 2 : Longest;
        return delay;
    }
}
