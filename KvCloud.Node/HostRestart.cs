namespace KvCloud.Node;

/// <summary>
/// Ends the host, and has Program run another one in its place: a fetched snapshot is put in place, and another id is
/// taken, where a replica opens its directory, and nowhere else.
/// </summary>
internal sealed class HostRestart(IHostApplicationLifetime lifetime)
{
    private int _isRequested;

    public bool IsRequested => Volatile.Read(ref _isRequested) != 0;

    /// <summary>Any thread may call; it returns at once.</summary>
    public void Request()
    {
        Interlocked.Exchange(ref _isRequested, 1);
        lifetime.StopApplication();
    }
}
