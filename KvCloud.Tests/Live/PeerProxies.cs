using System.Net;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>
/// A proxy on each way from replica to replica: the network between them is in the hands of the test.
/// </summary>
/// <remarks>A replica's messages travel on connections that it makes itself: upward through its own proxies.</remarks>
internal sealed class PeerProxies : IAsyncDisposable
{
    private readonly Dictionary<(int From, int To), TcpProxy> _proxies = [];

    public PeerProxies(Topology topology)
    {
        foreach (Replica from in topology.Replicas)
        {
            foreach (Replica to in topology.Replicas.Where(to => to != from))
            {
                _proxies.Add((from.Index, to.Index), new TcpProxy(new IPEndPoint(IPAddress.Loopback, to.PeerPort)));
            }
        }
    }

    /// <summary>The variables by which a replica finds its peers behind the proxies.</summary>
    public IEnumerable<KeyValuePair<string, string?>> EnvironmentOf(Replica replica) => _proxies
        .Where(proxy => proxy.Key.From == replica.Index)
        .Select(proxy => new KeyValuePair<string, string?>(
            NodeEnvironment.ConsensusEndpoint(proxy.Key.To), $"127.0.0.1:{proxy.Value.EndPoint.Port}"));

    /// <summary>Breaks all connections between this replica and the others, and lets no new ones be made.</summary>
    public void Isolate(int node)
    {
        foreach (TcpProxy proxy in Touching(node))
        {
            proxy.Cut();
        }
    }

    /// <summary>
    /// What this replica says is held back, and comes late when it is let go; it still hears the others.
    /// </summary>
    public void Silence(int node)
    {
        foreach (TcpProxy proxy in _proxies.Where(proxy => proxy.Key.From == node).Select(proxy => proxy.Value))
        {
            proxy.Block(proxy.Up, isBlocked: true);
        }
    }

    /// <summary>All that goes to this replica takes so long.</summary>
    public void DelayTo(int node, TimeSpan delay)
    {
        foreach (TcpProxy proxy in _proxies.Where(proxy => proxy.Key.To == node).Select(proxy => proxy.Value))
        {
            proxy.Delay(proxy.Up, delay);
        }
    }

    /// <summary>What one replica said first to another, as whoever listens on the way hears it.</summary>
    public byte[] FirstBytes(int from, int to) => _proxies[(from, to)].Up.First;

    public void Heal()
    {
        foreach (TcpProxy proxy in _proxies.Values)
        {
            proxy.Restore();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TcpProxy proxy in _proxies.Values)
        {
            await proxy.DisposeAsync();
        }
    }

    private IEnumerable<TcpProxy> Touching(int node) => _proxies
        .Where(proxy => proxy.Key.From == node || proxy.Key.To == node)
        .Select(proxy => proxy.Value);
}
