using System.Collections.Concurrent;
using System.Net;
using KvCloud.Consensus;
using KvCloud.Node.Tls;
using KvCloud.Node.Transport;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Transport;

/// <summary>Where the nodes of a test find each other; tests may change it while they run.</summary>
internal sealed class Directory
{
    private readonly ConcurrentDictionary<int, EndPoint> _endpoints = new();

    public EndPoint this[int nodeId]
    {
        get => _endpoints[nodeId];
        set => _endpoints[nodeId] = value;
    }

    public ValueTask<EndPoint> ResolveAsync(int nodeId, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _endpoints.TryGetValue(nodeId, out EndPoint? endpoint)
            ? ValueTask.FromResult(endpoint)
            : throw new IOException($"nobody knows where node {nodeId} is");
    }
}

/// <summary>A TcpTransport that remembers all it receives and logs.</summary>
internal sealed class TestNode : IAsyncDisposable, ILogger<TcpTransport>
{
    private readonly ConcurrentQueue<IReadOnlyList<Message>> _batches = new();
    private readonly ConcurrentQueue<PeerReport> _reports = new();
    private readonly ConcurrentQueue<string> _log = new();
    private int _messages;

    private TestNode(PeerIdentity identity, IEnumerable<int> peers, Directory directory, TransportOptions options,
        IIncarnationRegistry incarnations, IPEndPoint bind, PeerTls? tls)
    {
        Id = new NodeId(identity.NodeId);
        Transport = new TcpTransport(
            identity, peers, bind, directory.ResolveAsync, incarnations, Bootstrap.Done, options, this, tls);
    }

    public NodeId Id { get; }

    public TcpTransport Transport { get; }

    public IReadOnlyCollection<IReadOnlyList<Message>> Batches => _batches;

    public IReadOnlyList<Message> Messages => [.. _batches.SelectMany(batch => batch)];

    public int MessageCount => Volatile.Read(ref _messages);

    public IReadOnlyCollection<PeerReport> Reports => _reports;

    public IReadOnlyCollection<string> Log => _log;

    /// <summary>Called with each batch, on the transport's thread.</summary>
    public Action<IReadOnlyList<Message>>? OnBatch { get; set; }

    public static TransportOptions Quick { get; } = new()
    {
        MinReconnectDelayMs = 10,
        MaxReconnectDelayMs = 100,
        HandshakeTimeoutMs = 3000,
    };

    public static PeerIdentity Identity(int id, string cluster = "cluster", long incarnation = 0) =>
        new(cluster, id, incarnation == 0 ? 1000 + id : incarnation, $"client-{id}:9090", $"http-{id}:9290", Terms);

    public static GroupTerms Terms { get; } = new("1,2,3", 400, 320);

    public static async Task<TestNode> StartAsync(
        int id,
        IEnumerable<int> peers,
        Directory directory,
        TransportOptions? options = null,
        PeerIdentity? identity = null,
        IIncarnationRegistry? incarnations = null,
        IPEndPoint? bind = null,
        bool isListed = true,
        PeerTls? tls = null)
    {
        var node = new TestNode(
            identity ?? Identity(id),
            peers,
            directory,
            options ?? Quick,
            incarnations ?? new IncarnationMemory(),
            bind ?? new IPEndPoint(IPAddress.Loopback, 0),
            tls);
        await node.Transport.StartAsync(node.Receive, node._reports.Enqueue, CancellationToken.None);
        if (isListed)
        {
            directory[id] = node.Transport.ListenEndPoint;
        }

        return node;
    }

    public PeerLink Link(int peer) => Transport.Links.Single(link => link.Peer.Value == peer);

    public Task ConnectedToAsync(int peer) =>
        Eventually.TrueAsync(() => Link(peer).IsConnected, () => $"{Id} connects to {peer}; {Link(peer)}");

    public Task ReceivedAsync(int count) =>
        Eventually.TrueAsync(() => MessageCount >= count, () => $"{Id} receives {count} messages, has {MessageCount}");

    public ValueTask DisposeAsync() => Transport.DisposeAsync();

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) => _log.Enqueue(formatter(state, exception));

    private void Receive(IReadOnlyList<Message> messages)
    {
        _batches.Enqueue(messages);
        Interlocked.Add(ref _messages, messages.Count);
        OnBatch?.Invoke(messages);
    }
}

/// <summary>Waits for what must come to pass, and says what did not.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task TrueAsync(Func<bool> condition, Func<string> what)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < Limit.TotalMilliseconds, "Did not happen: " + what());
            await Task.Delay(5);
        }
    }
}
