using KvCloud.Client;
using KvCloud.Monitoring;
using KvCloud.WebConsole.Monitoring;

namespace KvCloud.WebConsole.Sessions;

/// <summary>
/// A client, HTTP to the nodes and a monitor with the rights of one login, or of the connection string where nobody has
/// logged in. Any number of pages may use it.
/// </summary>
public sealed class ConsoleSession : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _monitoring;
    private readonly TimeProvider _time;
    private long _usedAt;
    private int _pages;

    internal ConsoleSession(
        string id, string? user, KvCloudClient client, NodeHttp nodes, ILoggerFactory loggers, TimeProvider time)
    {
        Id = id;
        User = user;
        Client = client;
        Nodes = nodes;
        _time = time;
        _usedAt = time.GetTimestamp();
        Monitor = new ClusterMonitor(client, nodes, time, loggers.CreateLogger<ClusterMonitor>());
        _monitoring = Monitor.RunAsync(_ending.Token);
    }

    /// <summary>Raised once, when nobody may use it any more.</summary>
    public event Action? Ended;

    /// <summary>Drawn at random: who knows it has the session.</summary>
    public string Id { get; }

    /// <summary>Who has logged in; null: the rights are those of the connection string.</summary>
    public string? User { get; }

    public bool IsLogin => User is not null;

    public KvCloudClient Client { get; }

    public NodeHttp Nodes { get; }

    public ClusterMonitor Monitor { get; }

    /// <summary>How long no page has used it; zero while one does.</summary>
    internal TimeSpan Idle => Volatile.Read(ref _pages) > 0
        ? TimeSpan.Zero
        : _time.GetElapsedTime(Volatile.Read(ref _usedAt));

    internal void Enter() => Interlocked.Increment(ref _pages);

    internal void Leave()
    {
        Volatile.Write(ref _usedAt, _time.GetTimestamp());
        Interlocked.Decrement(ref _pages);
    }

    internal void Touch() => Volatile.Write(ref _usedAt, _time.GetTimestamp());

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        Ended?.Invoke();
        await _monitoring;
        await Client.DisposeAsync();
        Nodes.Dispose();
        _ending.Dispose();
    }
}
