using System.Net;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvCloud.Bench.Micro;

/// <summary>Two of the transports that replicas use, as they use them.</summary>
internal sealed class OwnTransportPair : ITransportPair
{
    private const int MaxPolls = 2_000;
    private const int PollMs = 5;

    private static readonly GroupTerms Terms = new("1,2", 400, 320);

    private readonly Dictionary<int, TcpTransport> _transports = [];

    public OwnTransportPair()
    {
        _transports.Add(1, Make(1, peer: 2));
        _transports.Add(2, Make(2, peer: 1));
    }

    public async Task StartAsync(
        Action<IReadOnlyList<Message>> receivedByOne, Action<IReadOnlyList<Message>> receivedByTwo)
    {
        await _transports[1].StartAsync(receivedByOne, _ => { }, CancellationToken.None).ConfigureAwait(false);
        await _transports[2].StartAsync(receivedByTwo, _ => { }, CancellationToken.None).ConfigureAwait(false);
        for (int i = 0; !_transports.Values.All(transport => transport.Links[0].IsConnected); i++)
        {
            if (i == MaxPolls)
            {
                throw new BenchException("The two peers do not connect.");
            }

            await Task.Delay(PollMs).ConfigureAwait(false);
        }
    }

    public void SendFromOne(IReadOnlyList<Message> messages) => _transports[1].Send(messages);

    public void SendFromTwo(IReadOnlyList<Message> messages) => _transports[2].Send(messages);

    public async ValueTask DisposeAsync()
    {
        foreach (TcpTransport transport in _transports.Values)
        {
            await transport.DisposeAsync().ConfigureAwait(false);
        }
    }

    private TcpTransport Make(int id, int peer) => new(
        new PeerIdentity("bench", id, 1_000 + id, $"client-{id}:9090", $"http-{id}:9290", Terms),
        [peer],
        new IPEndPoint(IPAddress.Loopback, 0),
        Resolve,
        new IncarnationMemory(),
        Bootstrap.Done,
        new TransportOptions { MinReconnectDelayMs = PollMs },
        NullLogger<TcpTransport>.Instance);

    /// <summary>The one that starts first finds nobody yet, and tries again.</summary>
    private ValueTask<EndPoint> Resolve(int id, CancellationToken cancellationToken)
    {
        try
        {
            return new ValueTask<EndPoint>(_transports[id].ListenEndPoint);
        }
        catch (InvalidOperationException exception)
        {
            throw new IOException("The peer does not listen yet.", exception);
        }
    }
}
