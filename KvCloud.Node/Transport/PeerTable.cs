namespace KvCloud.Node.Transport;

/// <summary>What carries this node's messages to one peer, until either is no peer any more.</summary>
internal sealed record PeerWay(Peer Peer, PeerSender Sender, PeerConnector Connector, CancellationTokenSource Stop);

/// <summary>The peers of one moment, by rising id.</summary>
internal sealed record PeerTable(Dictionary<int, int> Indexes, PeerWay[] Ways)
{
    private const int MaxPeers = 63;

    public PeerWay? Find(int nodeId) => Indexes.TryGetValue(nodeId, out int index) ? Ways[index] : null;

    /// <param name="before">Peers that stay keep their way.</param>
    public static PeerTable Of(int self, IEnumerable<int> peers, PeerTable? before, Func<int, PeerWay> makeWay)
    {
        var indexes = new Dictionary<int, int>();
        var ways = new List<PeerWay>();
        foreach (int id in peers.Order())
        {
            if (id < 0 || id == self || ways.Count >= MaxPeers || !indexes.TryAdd(id, ways.Count))
            {
                throw new ArgumentException(
                    $"Node {id} cannot be a peer of node {self}: it is the node itself, named twice, negative, or one"
                    + $" of more than {MaxPeers}.",
                    nameof(peers));
            }

            ways.Add(before?.Find(id) ?? makeWay(id));
        }

        return new PeerTable(indexes, [.. ways]);
    }
}
