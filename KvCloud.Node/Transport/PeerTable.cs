namespace KvCloud.Node.Transport;

/// <summary>What carries this node's messages to one peer, as long as it is one.</summary>
internal sealed record RemotePeer(Peer Peer, PeerSender Sender, PeerConnector Connector, CancellationTokenSource Stop);

/// <summary>The peers of one moment, by rising id.</summary>
internal sealed record PeerTable(Dictionary<int, int> Indexes, RemotePeer[] Remotes)
{
    private const int MaxPeers = 63;

    public RemotePeer? Find(int nodeId) => Indexes.TryGetValue(nodeId, out int index) ? Remotes[index] : null;

    /// <param name="before">Peers that stay keep theirs.</param>
    public static PeerTable Of(int self, IEnumerable<int> peers, PeerTable? before, Func<int, RemotePeer> makeRemote)
    {
        var indexes = new Dictionary<int, int>();
        var remotes = new List<RemotePeer>();
        foreach (int id in peers.Order())
        {
            if (id < 0 || id == self || remotes.Count >= MaxPeers || !indexes.TryAdd(id, remotes.Count))
            {
                throw new ArgumentException(
                    $"Node {id} cannot be a peer of node {self}: it is the node itself, named twice, negative, or one"
                    + $" of more than {MaxPeers}.",
                    nameof(peers));
            }

            remotes.Add(before?.Find(id) ?? makeRemote(id));
        }

        return new PeerTable(indexes, [.. remotes]);
    }
}
