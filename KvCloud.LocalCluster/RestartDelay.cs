namespace KvCloud.LocalCluster;

/// <summary>
/// Exponential backoff before a crashed replica is restarted: from one second, doubling up to half a minute, and reset
/// once the replica has run for a minute.
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
