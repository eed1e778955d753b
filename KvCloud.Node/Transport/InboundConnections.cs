using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// Which of the accepted connections may stay: one for each peer, the newest, and a limited number that have not said
/// yet who they are. Its owner locks, and closes whom it names.
/// </summary>
/// <typeparam name="T">The owner's connection.</typeparam>
internal sealed class InboundConnections<T>(int maxPendingHandshakes)
    where T : class
{
    /// <summary>In the order in which they were accepted; null for a peer not known yet.</summary>
    private readonly List<(T Connection, Peer? Peer)> _open = [];

    public int PendingHandshakes => _open.Count(entry => entry.Peer is null);

    /// <summary>
    /// A connection was accepted. Who has waited longest without a word makes room for it and is to be closed: a peer
    /// says who it is at once, and silent connections must not keep it out. Null when there is room.
    /// </summary>
    public T? Add(T connection)
    {
        T? evicted = null;
        if (PendingHandshakes >= maxPendingHandshakes)
        {
            int oldest = _open.FindIndex(entry => entry.Peer is null);
            evicted = _open[oldest].Connection;
            _open.RemoveAt(oldest);
        }

        _open.Add((connection, null));
        return evicted;
    }

    /// <summary>
    /// The connection is the peer's: an older one of it is to be closed and forgotten here. False when this one had
    /// to go before, and then it takes nobody's place.
    /// </summary>
    public bool TryAdmit(T connection, Peer peer, out T? superseded)
    {
        superseded = null;
        int index = IndexOf(connection);
        if (index < 0)
        {
            return false;
        }

        Invariant.Check(_open[index].Peer is null, "a connection is identified once");
        _open[index] = (connection, peer);
        int older = _open.FindIndex(entry => entry.Peer == peer && entry.Connection != connection);
        if (older >= 0)
        {
            superseded = _open[older].Connection;
            _open.RemoveAt(older);
        }

        return true;
    }

    /// <summary>The connection has ended.</summary>
    public void Remove(T connection)
    {
        int index = IndexOf(connection);
        if (index >= 0)
        {
            _open.RemoveAt(index);
        }
    }

    private int IndexOf(T connection) => _open.FindIndex(entry => entry.Connection == connection);
}
